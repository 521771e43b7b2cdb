"""What commands print: tables for people, JSON for programs, differences for both."""
