"""Problems whose coordinates include parameters."""
