"""The demo: one brand, a million passports, from the catalogue's CSV to scanned codes.

``python -m demo`` plays a brand's own systems against a running stack: it speaks HTTP only, and
believes nothing it has not checked.
"""
