"""What an operator's Prometheus and Grafana are given, made of two tables."""
