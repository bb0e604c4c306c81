"""Models in this process: loading, prompts, batches, generation.

Torch is imported inside functions only, and `batching` knows none. Training is for `align`.
"""
