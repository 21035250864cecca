"""Hard constraints: which conditions can be built into the network, and how."""
