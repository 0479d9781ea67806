"""The wall: student code runs behind it, and data comes back."""
