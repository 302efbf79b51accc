"""The prompt of `mh query`: reads queries from a person, completes what they type, and answers one after another."""
