"""What runs in the containers of docker-compose.yml: the first set-up, the services, and their checks."""
