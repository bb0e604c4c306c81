"""Painters by reference: ``openai-image:NAME[@URL]``, ``diffusers:REPO_OR_FOLDER``, ``world:painter``.

Models that write are in `models`; the painter of the miniature is in `world`.
"""
