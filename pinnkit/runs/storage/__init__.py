"""Files of a run folder."""
