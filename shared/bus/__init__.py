"""The bus: carries events between services and rings doorbells; it is never the only copy of anything."""
