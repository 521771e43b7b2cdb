"""Why things are as they are: a class and a sentence for every reason."""
