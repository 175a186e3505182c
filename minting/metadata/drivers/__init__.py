"""Where documents are pinned: one interface, and a module for each place."""
