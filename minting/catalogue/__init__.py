"""The catalogue's write side: products and production batches, one at a time or by CSV file.

The API views and the imports call the functions here; the rules of a value are in `values`, and a
brand's writers take turns (`turns`), so that no two of them can meet half-way.
"""
