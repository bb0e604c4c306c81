"""A built set as others get it: records, pictures, a card, Croissant metadata, provenance and rules."""
