"""The public views: what people query with SQL. One file each; their names and columns are stable."""
