"""What kubectl asks for beside objects: discovery, schemas, tables."""
