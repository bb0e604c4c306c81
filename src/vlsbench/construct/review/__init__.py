"""People look at what the gate let through: drawn, shown blurred, labelled by several, and taken in again."""
