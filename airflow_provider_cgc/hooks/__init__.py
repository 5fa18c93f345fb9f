"""Airflow's connection to the platform, turned into the client's settings."""
