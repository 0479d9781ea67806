"""Staff only: builds the course, grades submissions. In no wheel that a student gets."""
