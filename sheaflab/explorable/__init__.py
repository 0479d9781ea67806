"""The explorable: one HTML page without Python and without the network. A start is dragged, and the flow follows."""
