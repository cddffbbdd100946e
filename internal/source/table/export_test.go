package table

// Bind puts PostgreSQL's parameters, or those of others, in the place of :since.
func Bind(query, engine string) (string, int) {
	return bind(query, map[string]engineName{"postgres": postgres, "mysql": mariadb, "sqlite": sqlite}[engine])
}

type engineName = engine
