"""The operator's way to the services: by contract to the running owner, or hosting it when none runs."""
