"""Codes in, passports out."""
