"""Runs in parts: a set split over several drivers (`split`), and their folders joined into one run (`merge`).

Several models or servers behind *one* driver are for `models`; here each part has a driver and a folder of its own.
"""
