// Package syndicate is the root of the repository, which is itself a working site. It holds that site's
// files for whoever starts another one; the program is in cmd/syndicate.
package syndicate

import "embed"

// Starter is the sample site that syndicate init writes: the configuration, articles with their images,
// intros, templates and subscribers, at the same paths as here. Its templates are also what a site falls
// back to for those it does not have.
//
// The all: prefix keeps names that begin with an underscore, such as articles/_posts.
//
//go:embed config.yaml all:articles all:intros all:subscribers all:templates
var Starter embed.FS
