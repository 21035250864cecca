"""What a run is: its history, summary and folder."""
