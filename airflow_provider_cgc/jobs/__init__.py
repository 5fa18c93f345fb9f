"""The rules of waiting: free of Airflow and of HTTP."""
