"""The bus: carries events between services and rings doorbells; never the truth."""
