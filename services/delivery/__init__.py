"""Delivery: where each copy goes, decided once, recorded, then carried out."""
