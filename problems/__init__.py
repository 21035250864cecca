"""Problems that come with pinnkit, one a file, each with its reference."""
