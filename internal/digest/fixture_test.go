package digest_test

import (
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"

	"syndicate/internal/digest"
	"syndicate/internal/newsletter"
)

// builtin are the templates that ship with Syndicate.
func builtin() fs.FS { return os.DirFS("../../templates") }

// builtinTemplates parses them.
func builtinTemplates(t testing.TB) *digest.Templates {
	t.Helper()
	b, err := digest.ReadBundle(os.DirFS(t.TempDir()), builtin(), "")
	if err != nil {
		t.Fatal(err)
	}
	tmpl, err := digest.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	return tmpl
}

func date(s string) time.Time {
	t, err := time.Parse("2006-01-02 15:04", s)
	if err != nil {
		panic(err)
	}
	return t
}

var site = newsletter.Site{
	Title:         "The Harbour Letter",
	URL:           "https://harbour.example.org",
	Language:      "en",
	PostalAddress: "The Harbour Letter\n1 Quay Street\nExampleham\n",
}

// english is an issue with everything in it.
func english() digest.Data {
	return digest.Data{
		Site: site,
		Newsletter: newsletter.FrozenNewsletter{
			Name: "weekly", Title: "The Harbour Letter, weekly", Language: "en", TimeZone: "Europe/London",
		},
		Number:  12,
		Date:    date("2026-11-23 07:00"),
		OnWeb:   true,
		More:    3,
		MoreURL: "https://harbour.example.org/newsletters/weekly",
		Intro: "The clocks have gone back, the boats come in by lamplight, and there is finally time to read something " +
			"to the end. This week we lean towards things that are looked after: a lamp, a net, a loaf, a folder of old files.\n\n" +
			"If you read only one piece, read it [aloud to somebody](/articles/aloud) in the kitchen. *– The editors*",
		Articles: []digest.Item{
			{
				Seq: 19, URL: "https://harbour.example.org/articles/the-lamp-on-the-north-pier", Title: "The lamp on the north pier",
				Summary:  "Every harbour light says its own name, twice a minute or ten times, to anyone who can count. A short lesson in reading the dark.",
				ImageURL: "https://harbour.example.org/sea/the-lamp-on-the-north-pier/lighthouse.png", ImageWidth: 1600, ImageHeight: 900,
				ImageAlt: "A red and white lighthouse on a pier at dusk, its beam sweeping over a dark sea",
				Section:  "sea", Authors: []string{"Ines Falk"}, Published: date("2026-11-17 07:00"), ReadingMinutes: 4,
			},
			{
				Seq: 18, URL: "https://harbour.example.org/articles/a-backup-you-can-read", Title: "A backup you can read",
				Summary: "Fourteen lines of shell, two disks and a cup of tea. A way to keep your words and pictures that your grandchildren could open without asking anyone.",
				Section: "web", Authors: []string{"Hal Venn"}, Published: date("2026-11-12 07:00"), ReadingMinutes: 5,
			},
			{
				Seq: 17, URL: "https://harbour.example.org/articles/the-library-in-the-ferry-shed", Title: "The library in the ferry shed",
				Summary: "It has no sign, no opening hours and no librarian, and it is open now. You go past the ticket window, where nobody has sold a ticket since the new terminal was built, and push the second door, the one that sticks. There is a lamp on the left. Most people say “oh” when they find it.",
				Section: "books", Published: date("2026-11-05 07:00"), ReadingMinutes: 1,
			},
			{
				Seq: 16, URL: "https://harbour.example.org/articles/drying-wet-books", Title: "How to dry a wet book",
				Summary: "The gutter gave way above the poetry shelf. Forty-eight hours, two rolls of kitchen paper and a freezer: what we learnt, in the order in which you will need it.",
				Section: "books", Authors: []string{"Aldous Reave"}, Published: date("2026-10-28 07:00"), ReadingMinutes: 3,
			},
			{
				Seq: 15, URL: "https://harbour.example.org/articles/a-feed-of-ones-own", Title: "A feed of one’s own",
				Summary: "The oldest subscription on the web asks for no address, no password and no permission. What is inside a feed, and the three promises that make a good one.",
				Section: "web", Authors: []string{"Hal Venn", "Ines Falk"}, Published: date("2026-10-15 07:00"), ReadingMinutes: 4,
			},
			{
				Seq: 14, URL: "https://harbour.example.org/articles/la-soupe-du-vendredi", Title: "La soupe du vendredi",
				Summary: "Une soupe de poisson se fait avec ce que personne ne veut\u00a0: les têtes, les arêtes, les petits poissons pleins d’épines. Il y faut une heure, un moulin et de l’appétit.",
				Section: "food", Authors: []string{"Solveig Tanguidé"}, Language: "fr", Published: date("2026-10-08 07:00"), ReadingMinutes: 3,
			},
			{
				Seq: 13, URL: "https://harbour.example.org/articles/sunday-bread", Title: "Sunday bread",
				Summary: "One loaf, four ingredients, two days, and about twenty-five minutes of actual work. The rest is waiting, which you can do anywhere.",
				Section: "food", Authors: []string{"Marguerite Oake"}, Published: date("2026-10-06 07:00"), ReadingMinutes: 4,
			},
		},
	}
}

// french is an issue of one section, on the first of a month.
func french() digest.Data {
	return digest.Data{
		Site: site,
		Newsletter: newsletter.FrozenNewsletter{
			Name: "quotidien", Title: "La Lettre du port", Language: "fr", TimeZone: "Europe/Paris",
		},
		Number: 231,
		Date:   date("2026-11-30 23:30"), // the first of December in Paris
		OnWeb:  true,
		More:   1,
		Intro: "Bonjour à tous\u202f! Ce matin, le vent est à l’ouest, le café est chaud et le port sent le goémon. Prenez ce qui vous plaît\u202f; " +
			"le reste vous attendra sur le quai. *– La rédaction*",
		Articles: []digest.Item{
			{
				Seq: 21, URL: "https://harbour.example.org/articles/un-potager-dans-les-embruns", Title: "Un potager dans les embruns",
				Summary:  "À cent mètres de la mer, le vent sale tout, même la salade. Trois règles, un tableau et un tas de goémon pour jardiner quand même.",
				ImageURL: "https://harbour.example.org/jardin/un-potager-dans-les-embruns/potager.png", ImageWidth: 1600, ImageHeight: 900,
				ImageAlt: "Des rangs de choux et de betteraves à l’abri d’une haie, une bêche plantée en terre et une voile sur la mer",
				Section:  "jardin", Authors: []string{"Maëlle Quervidy"}, Published: date("2026-11-20 07:00"), ReadingMinutes: 3,
			},
			{
				Seq: 20, URL: "https://harbour.example.org/articles/la-boite-a-livres-de-la-digue", Title: "La boîte à livres\u00a0: un an de comptes",
				Summary: "Une armoire vitrée, une digue, un cahier. Pendant un an, nous avons noté ce qui entrait et ce qui sortait. Les chiffres ne disent pas ce qu’on attendait.",
				Section: "livres", Authors: []string{"Aldous Reave", "Corentin Lestavel"}, Published: date("2026-11-02 07:00"), ReadingMinutes: 5,
			},
			{
				Seq: 12, URL: "https://harbour.example.org/articles/ce-que-disent-les-goelands", Title: "Ce que disent les goélands",
				Summary: "Mouette ou goéland\u202f? «\u00a0Le goéland crie, la mouette rit\u00a0», dit-on sur le quai. On ferait mieux de les écouter\u00a0: ils ont peu de mots, mais ils ne parlent jamais pour ne rien dire.",
				Section: "livres", Published: date("2026-09-18 07:00"), ReadingMinutes: 2,
			},
		},
	}
}

// hard is an issue that strains the layout: long words, code, headings, a logo, one image that is small.
func hard() digest.Data {
	d := english()
	d.Site.Logo = "/sea/the-lamp-on-the-north-pier/lighthouse.png"
	d.Intro = "# A heading\n\nText with `code` and\n\n- a list\n- of things\n\n> A quote\n\n## Another\n\n```\n" +
		strings.Repeat("code_that_does_not_break_", 6) + "\n```\n"
	d.Articles[0].Title = strings.Repeat("Donaudampfschifffahrtsgesellschaftskapitän", 2)
	d.Articles[0].ImageWidth, d.Articles[0].ImageHeight = 200, 113
	d.Articles[1].Title = strings.Repeat("Rindfleischetikettierung", 4)
	d.Articles[2].Summary = strings.Repeat("x", 200)
	d.Articles[3].Authors = []string{strings.Repeat("Somebody", 12)}
	d.Newsletter.Title = "Wöchentliche Donaudampfschifffahrtsnachrichten"
	d.More = 1
	return d
}
