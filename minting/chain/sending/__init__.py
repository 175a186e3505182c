"""Having something happen on a chain exactly once: signed, stored, sent, and looked for."""
