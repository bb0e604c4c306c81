"""The partial-input baseline: how well the text alone tells harmful samples from benign ones."""
