"""The bus: carries facts between services and rings doorbells; never the truth."""
