"""How pages write moments, for Django's ``FORMAT_MODULE_PATH``."""
