package newsletter

import "strings"

// meaning is a reason and the phrases that stand for it: lower case, single
// spaces, an address written @. A * stands for up to maxGap octets of anything.
type meaning struct {
	reason  Reason
	phrases []string
}

const (
	maxWords = 8 << 10
	maxGap   = 80
)

// reasonByWords finds words that can mean one thing only, whatever the status is.
func reasonByWords(words string) Reason { return findMeaning(strongWords, words) }

// reasonByWeakWords finds words that mean a thing where nothing better is said.
func reasonByWeakWords(words string) Reason { return findMeaning(weakWords, words) }

func findMeaning(table []meaning, words string) Reason {
	words = words[:min(len(words), maxWords)]
	for _, m := range table {
		for _, p := range m.phrases {
			if hasPhrase(words, p) {
				return m.reason
			}
		}
	}
	return ""
}

func hasPhrase(words, phrase string) bool {
	first, rest, gaps := strings.Cut(phrase, "*")
	if !gaps {
		return strings.Contains(words, phrase)
	}
	for tries := 0; tries < 8; tries++ {
		i := strings.Index(words, first)
		if i < 0 {
			return false
		}
		words = words[i+len(first):]
		if after(words, rest) {
			return true
		}
	}
	return false
}

// after reports whether the pieces of phrase follow, each within maxGap.
func after(words, phrase string) bool {
	for more := true; more; {
		var piece string
		piece, phrase, more = strings.Cut(phrase, "*")
		i := strings.Index(words[:min(len(words), maxGap+len(piece))], piece)
		if i < 0 {
			return false
		}
		words = words[i+len(piece):]
	}
	return true
}

var foldQuotes = strings.NewReplacer("_", " ", "’", "'", "‘", "'", "`", "'", "“", `"`, "”", `"`, "\u00a0", " ", "\u202f", " ")

// relayingWords are the words in which servers refuse whoever did not log in.
var relayingWords = []string{
	"relay access denied", "relay denied", "relaying denied", "relay not permitted", "relaying not allowed",
	"unable to relay", "not permitted to relay", "authentication required", "authentication is required",
}

// strongWords, in the order they are asked: what is about the sender first,
// because it quotes the rest ("sender address rejected: user unknown").
var strongWords = []meaning{
	// What has words of the others in it and means something else.
	{ReasonNoUser, []string{
		"on the suppression list", "recipient address suppressed", // a provider's, of what bounced before
		"account or domain may not exist", "mailbox unavailable or access denied",
	}},
	{ReasonSystem, []string{"does not exist, but will deliver to"}},
	{ReasonSender, []string{
		"sender address rejected", "sender rejected", "sender verify", "sender denied",
		"sender address has been blacklisted", "sender address verification", "verify sender", "invalid sender",
		"bad sender", "unknown sender", "sender unknown", "sender not found", "sender is invalid", "sender domain",
		"sender's domain", "domain of sender", "sender address does not", "envelope sender", "return address is invalid",
		"mail from domain", "from address is not", "unresolvable address", "sender address is not",
		"could not verify sender", "access denied*sender", "absender*abgelehnt", "expéditeur*refus", "blocked sender",
		"sender blocked", "sender is blocked", "sender*does not resolve", "verification failed for", "null sender", "a valid sender", "domain may not exist or dns check",
		"sender verification failed",
		"emetteur invalide", "émetteur invalide",
		// Our own account with the relay.
		"message sending for this account",
		"outgoing mail", "your account", "sending account", "please log in", "please login", "must log in", "must login",
		"log in first", "login first", "log in to", "login to", "login required", "login failed", "not logged in",
	}},
	{ReasonAuth, []string{
		"dmarc", "dkim", "spf check", "spf fail", "failed spf", "spf record", "spf:", "spf validation",
		"sender policy framework", "spf (sender", "mi:spf", "openspf", "unauthenticated email", "unauthenticated mail",
		"not authenticated", "isn't authenticated", "authentication fail", "not pass authentication",
		"authentication checks", "sender id",
	}},
	{ReasonReputation, []string{
		"blocklist", "blacklist", "block list", "black list", "black-list", "block-list", "blackhole", "dnsbl", " rbl",
		"rbl ", "rbl:", "spamhaus", "spamcop", "barracudacentral", "sorbs", "uceprotect", "senderscore", "talos",
		"proofpoint dynamic reputation", "reputation", "blocked using", "client host rejected", "client host*blocked",
		"is listed by", "is listed in", "is listed at", "listed on", "reverse dns", "rdns", "ptr record", "no ptr",
		"reverse hostname", "reverse lookup", "reverse ip", "invalid helo", "helo name", "helo command rejected",
		"bad helo", "dynamic ip", "dynamic/residential", "banned sending ip", "bad ip", "your ip", "sending ip",
		"ip address*block", "ip is block", " ip*is not allowed", " ip*has been*block", "connection refused from",
		"part of their network is on", "[tss", "[ts0", "user complaints", "connecting ip", "blocked ip", "ip blocked",
		"poor sending", "network is blocked", "host*is not allowed to connect", "not accept mail from your",
		"not accepting mail from*your", "no longer accepts mail from", "rejected*your host",
		"a problem occurred. (ask your postmaster", "hat eine schlechte reputation", "mail-from ip", "access denied. ip",
	}},
	{ReasonSpam, []string{
		"as spam", "is spam", "be spam", "like spam", "spam content", "spam message", "spam detect", "spam score",
		"spam-score", "spam filter", "spam-filter", "spam block", "spamassassin", "antispam", "anti-spam", "spam policy",
		"spam-like", "spam mail", "considered spam", "suspected spam", "classified*spam", "for spam", "because of spam",
		"spam rejected", "rejected as spam", "unsolicited", "junk mail", "junk email", "bulk mail", "bulk email", "uce ",
		"no spam", "spam not", "spam refused", "dt:spm", "high probability of spam", "likely spam", "probable spam",
		"spamverdacht", "pourriel", "correo no deseado", "垃圾邮件", "迷惑メール", "спам", "spam.", "suspicion of spam",
	}},
	{ReasonContent, []string{
		"virus", "malware", "trojan", "worm ", "phishing", "banned content", "banned file", "attachment*not allowed",
		"attachment*not accept", "attachment*not permitted", "attachment*block", "attachment*rejected",
		"attachment*prohibited", "content rejected", "not accepting mail with attachments", "content denied",
		"content block", "content reject", "content filter", "message content", "content not accept", "contains banned",
		"dangerous", "suspicious", "contents violate", "bad header", "non-ascii", "invalid header", "malformed message",
		"malformed header", "malformed address", "missing header", "bare lf", "bare newline", "not rfc", "rfc 5322",
		"rfc 2822", "rfc2822", "rfc5322", "multiple from", "message-id header", "message looks", "mail content",
	}},
	{ReasonPolicy, []string{
		"will not accept delivery of this message", "policy reasons", "policy violation", "violates*policy",
		"local policy", "due to policy", "administrative prohibition", "message not allowed", "envelope blocked",
		"mail rejete", "service refuse", "policy restrictions", "policy rejection",
	}},
	{ReasonRefused, []string{"google groups", "may not have permission", "pas autorisé à lui envoyer", "no permission to post", "not have permission to post", "not accepting mail from", "not accepting messages from"}},
	{ReasonBusy, []string{
		"receiving mail at a rate", "receiving mail too quickly", "receiving mail too", "receiving messages too quickly",
		"receiving*too many messages", "mailbox is busy", "mailbox busy", "recipient*receiving*limit",
		"recipient*rate limit", "mailbox is locked", "mailbox locked", "temporarily disabled", "temporarily suspended",
		"temporarily inactive", "temporarily deactivated",
	}},
	{ReasonRate, []string{
		"rate limit", "rate-limit", "ratelimit", "sending rate", "sending limit", "too many messages",
		"too many connections", "too many recipients", "too many emails", "too many mails", "too many concurrent",
		"too many sessions", "too much mail", "sending quota", "daily quota", "quota*daily", "throttl", "unusual rate",
		"slow down", "too fast", "message rate", "hourly", "max emails per hour", "exceeded the maximum number of",
		"exceeded the max emails", "limit on the number of*messages", "per minute", "messages per hour",
		"messages per day", "frequency limited", "connection frequency", "delivery rate", "volume of", "too many invalid",
	}},
	{ReasonSystem, []string{
		"insufficient system", "system storage", "no space left on device", "insufficient disk space on",
		"file system full", "mail system is full", "system is full", "system mail quota",
	}},
	{ReasonTooLarge, []string{
		"message too large", "message is too large", "message too big", "message is too big", "too large", "too big",
		"size limit", "message size exceeds", "message size limit", "exceeds size", "exceeds the maximum size",
		"exceeds maximum message", "exceeds*message size", "maximum message size", "max message size", "larger than",
		"exceeds fixed", "message size*exceed", "size of*message*exceed", "message length exceeds", "message exceeds",
		"zu gross", "zu groß", "trop volumineux", "dépasse la taille", "taille maximale", "demasiado grande",
		"supera el tamaño", "tamaño máximo", "troppo grande", "dimensione massima", "muito grande", "tamanho máximo",
		"te groot", "zbyt duż", "слишком больш", "превышает*размер", "サイズ", "过大", "för stort", "for stor",
		"maximum*message size", "exceeded maximum",
	}},
	{ReasonFull, []string{
		"mailbox full", "mailbox is full", "mailbox was full", "mailbox*full", "mailbox is almost full",
		"mailfolder is full", "inbox is full", "inbox full", "account is full", "folder is full", "box is full",
		"box full", "user is full", "maildir full", "over quota", "overquota", "over-quota", "over their quota",
		"over the quota", "over its quota", "over disk quota", "out of quota", "quota exceed", "quota is exceed",
		"quota has been", "quota full", "exceed*quota", "quota violation", "disk quota", "diskspace quota", "overdrawn",
		"quota limit", "storage quota", "mailbox quota", "message quota", "user quota", "quota reached", "no quota",
		"user's disk quota", "quotaexceeded", "over the maximum allowed", "exceeded storage", "exceeds storage",
		"storage allocation", "storage limit", "storage space", "out of storage", "insufficient storage",
		"insufficient space", "not enough storage", "not enough space", "not enough disk", "no space left", "out of space",
		"exceeded*mailbox size", "mailbox size limit", "mailbox limit", "mailbox*exceed", "size limit of the mailbox",
		"exceeded*allocated", "exceeded*space", "disk full", "disk space", "space*used up", "allocation exceeded",
		"too many messages in", "max allowed mails", "maximum mailbox size", "recipient storage full", "is too full",
		"postfach ist voll", "postfach voll", "postfach*voll", "speicherplatz", "speicher*voll", "mailbox ist voll",
		"kontingent", "quota überschritten", "boite du destinataire pleine", "boîte*pleine", "boite*pleine",
		"messagerie*pleine", "quota*dépass", "quota*depass", "espace de stockage", "espace disque", "saturée",
		"buzón*lleno", "buzon*lleno", "bandeja*llena", "cuota*exced", "cuota*super", "excede*cuota",
		"espacio*insuficiente", "sin espacio", "espacio de almacenamiento", "casella*piena", "cassetta*piena",
		"quota*superata", "spazio*esaurito", "spazio*insufficiente", "spazio di archiviazione", "spazio disponibile",
		"caixa*cheia", "cota*excedida", "quota*excedida", "espaço*insuficiente", "espaço de armazenamento", "postvak*vol",
		"mailbox*vol ", "mailbox zit vol", "opslagruimte", "quotum", "skrzynka*pełna", "skrzynka*przepełniona",
		"przepełnion", "brak miejsca", "limit*pojemności", "przekroczon*limit", "ящик*переполнен", "переполнен",
		"переповнен", "превышена квота", "превышен*квот", "недостаточно места", "いっぱい", "一杯", "容量", "满", "空間不足", "空间不足",
		"配额", "超出*容量", "가득", "용량", "är full", "är fullt", "er fuld", "er full", "on täynnä", "täynnä", "je plná",
		"este plin", "plná", "kutusu dolu", "kotası", "megtelt", "γεμάτο", "đã đầy", "penuh", "เต็ม", "пълна", "満杯", "满员", "已滿", "exceeds allowed size", "exceeded allowed",
		"mailbox has reached", "mailbox capacity", "over its storage", "mailbox has exceeded the limit",
		"over the limit of", "mailbox is at its limit",
	}},
	{ReasonLoop, []string{
		"too many hops", "mail loop", "loop detected", "looping", "routing loop", "loops back", "hop count",
		"forwarding loop", "mail*loop", "hopcount", "too many received", "message loop", "schleife", "boucle", "bucle",
		"zapętl", "зациклив", "ループ", "循环", "maximum hops", "points back to", "loop broken",
	}},
	{ReasonMoved, []string{
		"user has moved", "has moved to", "moved to", "has changed to", "new address is", "new e-mail address is",
		"address has changed", "address*changed to", "has been replaced by", "please use the new", "neue adresse",
		"nouvelle adresse", "nueva dirección", "nuovo indirizzo",
	}},
	{ReasonGreylist, []string{"greylist", "graylist", "grey-list", "grey list", "gray list"}},
	{ReasonNetwork, []string{
		"host not found, try again", "temporary lookup failure", "name service error*try again", "dns server failure",
		"dns timeout", "host name lookup failure", "temporarily unresolvable", "cannot resolve", "lookup*timed out",
		"transient*dns", "temporary name", "dns soft error", "could not be contacted", "connection timed out",
		"connection refused", "connection reset", "no route to host", "network is unreachable", "host is unreachable",
		"lost connection", "conversation with*timed out", "timed out while", "operation timed out",
		"remote host said*timeout", "broken pipe", "couldn't connect", "could not connect", "can't connect",
		"cannot connect", "unable to connect", "unable to contact", "wasn't able to establish", "no answer from host",
		"not responding", "failed to connect", "connection failed", "connection*dropped", "connection was dropped",
		"delivery attempt timed out", "no response", "host not reachable", "unreachable host", "keine verbindung",
		"tls*failed", "handshake", "starttls", "certificate", "server*did not respond",
		"recipient server did not accept our requests to connect", "recipient server is not", "could not find a gateway",
		"died unexpectedly", "connection was closed", "closed the connection", "temporary dns", "dns query failed",
		"host down", "aucune connexion", "host found but no data", "malformed or unexpected name server reply",
		"no route found", "lookup failed temporarily", "no ip address found",
		"lowest numbered mx record points to local host",
	}},
	{ReasonDisabled, []string{
		"account disabled", "account is disabled", "account has been disabled", "account*disabled", "mailbox disabled",
		"mailbox is disabled", "mailbox*disabled", "user disabled", "user is disabled", "user*disabled",
		"address disabled", "address*is disabled", "recipient disabled", "recipient*disabled", "domain*disabled",
		"is disabled", "has been disabled", "disabled account", "disabled user", "disableduser", "not activated", "not an active",
		"account inactive", "account is inactive", "inactive account", "inactive user", "inactive mailbox",
		"user is inactive", "mailbox is inactive", "mailbox inactive", "is inactive", "deactivated", "de-activated",
		"not active", "isn't active", "no longer active", "account*suspended", "mailbox*suspended", "user*suspended",
		"been suspended", "is suspended", "suspended", "account*blocked", "mailbox*is blocked", "account is locked",
		"account*locked", "account*closed", "mailbox*closed", "account*terminated", "account*cancelled", "account*expired",
		"mailbox*expired", "account*deleted", "account*frozen", "mailbox*frozen", "is frozen", "not accepting messages",
		"not accepting mail", "archived recipient", "destinataire archiv", "not currently accepting",
		"account is not allowed to receive", "dormant", "konto*gesperrt", "konto*deaktiviert", "postfach*gesperrt",
		"postfach*deaktiviert", "compte*désactivé", "compte*desactive", "compte*suspendu", "boîte*désactivé",
		"boite*desactiv", "compte*inactif", "cuenta*desactivad", "cuenta*deshabilitad", "cuenta*suspendid",
		"cuenta*inactiv", "casella*disabilitata", "casella*disattivata", "account*disattivat", "casella*sospesa",
		"conta*desativada", "conta*suspensa", "conta*inativa", "account*uitgeschakeld", "account*geblokkeerd",
		"konto*zablokowane", "konto*nieaktywne", "konto*wyłączone", "учётная запись*заблокирована", "ящик*заблокирован",
		"ящик*отключ", "аккаунт*заблокирован", "無効", "停止", "停用", "已被禁", "禁用", "kontot*inaktiver", "kontot*spärra",
		"konto*deaktiver", "accountdisabled", "no longer accepts mail", "inactive email", "mailbox has been blocked",
		"account has been discontinued", "disabled or discontinued",
	}},
	{ReasonAmbiguous, []string{"several matches found", "ambiguous"}},
	{ReasonNoDomain, []string{
		"domain name not found", "domain not found", "host not found", "host name not found", "host unknown",
		"unknown host", "unknown domain", "no such domain", "nxdomain", "domain does not exist", "domain doesn't exist",
		"dns hard error",
	}},
	{ReasonNoUser, []string{
		"user unknown", "unknown user", "user*unknown", "unknown recipient", "recipient unknown", "recipient*unknown",
		"unknown address", "address unknown", "address is unknown", "unknown mailbox", "mailbox unknown", "mailbox is unknown",
		"unknown account", "unknown local", "unknown or illegal alias", "unknown to", "unknown in", "unknown virtual",
		"no such user", "no such recipient", "no such mailbox", "no such address", "no such account", "no such person",
		"no such local", "no such contact", "no such email", "no such e-mail", "no such name", "no mailbox here",
		"no mailbox by that name", "no mailbox for", "no mailbox found", "no mailbox", "no user", "no account",
		"no recipient", "no local mailbox", "no one by that name", "no valid recipient",
		"no matches to nameserver query for user", "no mail box", "mailbox not found", "mailbox does not exist",
		"mailbox doesn't exist", "mailbox*does not exist", "mailbox*doesn't exist", "mailbox*not exist",
		"mailbox*nonexistent", "mailbox not exist", "mailbox name not allowed", "mailbox is not found",
		"mailbox isn't found", "user not found", "user*not found", "user does not exist", "user doesn't exist",
		"user*does not exist", "user*doesn't exist", "user*not exist", "user invalid", "invalid user", "user is not known",
		"user isn't known", "user not known", "user not local", "user not listed", "not listed in", "not a known user",
		"not a valid user", "isn't a valid user", "not a user", "is not a known", "not known at", "not known here",
		"user doesn't have", "doesn't have an account", "does not have an account", "doesn't have a", "does not have a",
		"unable to find the user", "recipient not found", "recipient*not found", "recipient does not exist",
		"recipient doesn't exist", "recipient*does not exist", "recipient*doesn't exist", "recipient no longer",
		"recipient*no longer", "recipient is not", "recipient not exist", "recipients*do not exist",
		"recipient*could not be found", "recipient's e-mail address was not found", "recipnotfound", "notfound",
		"recipient name is not recognized", "not our customer", "not a customer", "address does not exist",
		"address doesn't exist", "address*does not exist", "address*doesn't exist", "address not found",
		"address*not found", "address*couldn't be found", "address*could not be found", "address*can't be found", "address*cannot be found",
		"address*wasn't found",
		"address is invalid", "address*is not valid", "address*isn't valid", "address no longer", "address*no longer",
		"email*no longer", "e-mail*no longer", "invalid recipient", "invalid mailbox", "invalid address", "invalid email",
		"invalid e-mail", "recipient*invalid", "bad address", "bad destination mailbox", "bad recipient", "bad mailbox",
		"illegal user", "nonexistent", "non-existent", "non-existing", "non existent", "not existing",
		"account does not exist", "account doesn't exist", "account*does not exist", "account*doesn't exist",
		"account that you tried to reach does not exist", "account not found", "account*not found", "account not exist",
		"account is unavailable", "account*unavailable", "account*been removed", "account*no longer", "mailbox*no longer",
		"mailbox*removed", "user*no longer", "no longer valid", "no longer exists", "no longer available",
		"no longer in use", "no longer works", "no longer employed", "no longer with", "no longer on", "has been deleted",
		"user is not found", "wasn't found at", "was not found at", "couldn't be found at", "undisclosed or unknown",
		"is not a valid mailbox", "is not a valid address", "isn't a valid", "not valid recipient",
		"not a valid recipient", "not have a mailbox", "is not listed", "names not found", "name not found",
		"not in directory", "not found in", "didn't match", "does not match any", "doesn't exist", "does not exist",
		"dosn't exist", "not exist", "delivery failed*unknown", "5.4.1*recipient address rejected: access denied",
		"recipient address rejected: undeliverable", "recipient address rejected: unknown",
		"can't create user output file", "unroutable address", "verify recipient", "recipient verify",
		"recipient address verification", "could not verify recipient", "all recipients are invalid", "failed recipient",
		"invalid final delivery userid", "this is not a valid", "not a valid local", "empfänger unbekannt",
		"empfänger*unbekannt", "empfaenger*unbekannt", "benutzer unbekannt", "benutzer*unbekannt",
		"benutzer*nicht gefunden", "unbekannter empfänger", "unbekannte adresse", "unbekannter benutzer",
		"adresse*nicht gefunden", "adresse*unbekannt", "adresse*existiert nicht", "existiert nicht", "nicht bekannt",
		"empfänger*nicht gefunden", "empfänger*existiert", "ungültige*adresse", "kein*postfach", "nicht vorhanden",
		"postfach*nicht", "nicht gefunden werden", "wurde*nicht gefunden", "utilisateur inconnu", "destinataire inconnu",
		"destinataire*inconnu", "destinataire invalide", "destinataire*invalide", "adresse inconnue", "adresse*inconnue",
		"adresse introuvable", "adresse*introuvable", "adresse invalide", "n'existe pas", "n'existe plus",
		"destinataire*introuvable", "est introuvable", "utilisateur*inexistant", "adresse*inexistante",
		"boîte*inexistante", "inconnu à cette adresse", "n'a pas été trouvé", "usuario desconocido",
		"destinatario desconocido", "usuario*no existe", "no existe", "dirección*no*encontr", "no se encontró",
		"no se ha encontrado", "no se pudo encontrar", "destinatario*no*encontr", "dirección*no válida", "buzón*no existe",
		"cuenta*no existe", "usuario inexistente", "utente sconosciuto", "destinatario sconosciuto", "utente*inesistente",
		"casella*inesistente", "indirizzo*inesistente", "indirizzo*non trovato", "non esiste", "destinatario*non*trovato",
		"indirizzo non valido", "non è stato trovato", "indirizzo*sconosciuto", "usuário desconhecido",
		"destinatário desconhecido", "usuário*não existe", "não existe", "endereço*não encontrado", "não foi encontrado",
		"não encontrad", "usuário inexistente", "destinatário*inválido", "endereço*inválido", "utilizador desconhecido",
		"onbekende gebruiker", "gebruiker onbekend", "gebruiker*bestaat niet", "bestaat niet", "adres niet gevonden",
		"adres*niet gevonden", "niet gevonden", "niet worden gevonden", "niet kan worden gevonden", "onbekend adres",
		"geadresseerde*onbekend", "ontvanger*onbekend", "onbekende ontvanger", "nieznany użytkownik",
		"użytkownik nieznany", "nie istnieje", "nie znaleziono", "nieznany adresat", "nieznany odbiorca",
		"nie można odnaleźć", "nieprawidłowy adres", "brak takiego użytkownika", "пользователь неизвестен",
		"неизвестный пользователь", "пользователь*не найден", "адрес не найден", "адрес*не найден", "не существует",
		"нет такого пользователя", "не найден", "неверный адрес", "неизвестный получатель", "получатель*неизвестен",
		"見つかりません", "見つからない", "見つかりませんでした", "存在しません", "存在しない", "宛先不明", "該当するユーザ", "受信者が", "找不到地址", "找不到", "不存在", "无此用户",
		"用户不存在", "收件人不存在", "未找到", "無此", "查无此人", "찾을 수 없", "존재하지 않", "okänd användare", "okänd mottagare", "hittades inte",
		"inte kunde hittas", "finns inte", "kunde inte hittas", "ogiltig adress", "ukendt bruger", "ukendt modtager",
		"findes ikke", "ikke blev fundet", "ikke ble funnet", "blev ikke fundet", "kunne ikke findes", "finnes ikke",
		"ble ikke funnet", "ukjent bruker", "ukjent mottaker", "ei löydy", "ei löytynyt", "tuntematon", "neexistuje",
		"nebyl nalezen", "nebyla nalezena", "neznámý uživatel", "bulunama", "mevcut değil", "nem található", "nem létezik",
		"ismeretlen", "δεν βρέθηκε", "nu a fost găsit", "nu există", "no s'ha trobat", "не знайдено", "не існує",
		"לא נמצא", "لم يتم العثور", "تعذّر العثور", "לא ניתן למצוא", "ไม่พบ", "không tìm thấy", "tidak ditemukan", "tidak dapat ditemukan",
		"nije pronađen", "sa nenašl", "не е намерен", "не бе намерен", "nerasta", "nav atrast", "ei leitud", "ni bilo mogoče najti",
		"नहीं मिला", "localizar o endereço", "не удалось найти", "impossible de trouver", "impossibile trovare", "nie można znaleźć",
		"nelze najít", "nebyl*nalezen", "5.1.0 address rejected", "all recipient addresses rejected",
		"recipient cannot be verified", "konnte nicht gefunden werden", "nie został odnaleziony", "is niet gevonden",
		"no se encuentra", "n'est pas connu", "nobody of that name", "addressee unknown", "unknown e-mail", "unknown email", "not a registered", "cannot deliver mail for",
		"no such id", "no mail-box", "recipient unrecognized", "unrecognized recipient", "unavailable mail user", "not user of", "addresses were unknown", "the address @ is unknown",
		"don't exist", "bad destination e-mail", "bad destination email", "未开通", "未開通",
	}},
	{ReasonNoDomain, []string{
		"domain*not found", "host*unknown", "domain unknown", "5.4.4 invalid domain", "no such host",
		"unrouteable mail domain", "unroutable mail domain", "unrouteable domain", "non-existent hosts",
		"couldn't find any host", "couldn't find a mail exchanger", "couldn't find*host named", "could not find*host",
		"no mx record", "no mx for", "couldn't be found*domain", "domain couldn't be found", "the domain*couldn't be found", "isn't a valid domain",
		"domain is not reachable", "illegal host", "bad destination host", "bad destination system",
		"does not accept mail", "doesn't accept mail", "nullmx", "null mx", "no smtp service",
		"lookup failure: host*not found", "no mail exchanger", "domain*does not receive mail", "name or service not known",
		"domain has expired", "domain*not exist", "no valid mx", "domain*existiert nicht", "domäne*nicht gefunden",
		"domaine*introuvable", "domaine*inconnu", "dominio*non trovato", "dominio*no existe", "dominio*inesistente",
		"domínio*não", "домен*не найден", "ドメイン", "域名",
	}},
	{ReasonRefused, []string{
		"blocked by recipient", "recipient*has blocked", "rejected by recipient", "refused by recipient",
		"recipient*refuses", "user*refuses", "not wanted", "whitelist", "white list", "allow list", "allowlist",
		"not permitted to send", "not authorized to send", "not allowed to send", "permission to send",
		"permissions to send", "restricted", "only accepts", "doesn't accept messages from",
		"does not accept messages from", "not accepting mail from this", "rejected your message", "user has rejected",
		"not authorized", "authorized senders", "don't have permission", "not accept*from you",
	}},
	{ReasonExpired, []string{
		"delivery time expired", "retry timeout exceeded", "retry time*exceeded", "message expired", "expired after",
		"has expired", "message timed out", "delivery expired", "in the queue too long", "queue too long", "maximum time",
		"giving up", "gave up", "given up", "could not be delivered for", "unable to deliver*for the last",
		"aborted after*hour", "envelope expired", "delivery failed*attempts", "retry*limit", "not been able to deliver",
		"too many failures", "for more than*hours", "for more than*days", "has not been collected",
	}},
	{ReasonSystem, []string{
		"local configuration error", "configuration error", "internal error", "internal server error", "internal software",
		"temporary failure", "i/o error", "input/output error", "cannot append", "can't create", "permission denied",
		"out of memory", "insufficient resources", "insufficient memory", "system error", "system failure",
		"temporary problem", "temporary error", "local error", "server error", "service temporarily",
		"service currently unavailable", "unable to process", "mail server*maintenance", "temporarily unavailable",
		"temporarily rejected", "try again later", "please try later", "command failed", "cannot open",
		"unknown mailer error", "system not accepting", "resources temporarily", "mailer error",
		"delivery*failed: program", "program failure", "child status", "command died", "data format error",
		"unable to create lock", "database error",
	}},
}

// weakWords, where neither strong words nor a status say more.
var weakWords = []meaning{
	{ReasonRelaying, relayingWords},
	{ReasonRelaying, []string{"relay", "rcpthosts"}},
	{ReasonSpam, []string{"spam"}},
	{ReasonRefused, []string{"recipient address rejected: policy", "recipient*policy"}},
	{ReasonPolicy, []string{
		"policy", "policies", "prohibit", "not allowed", "access denied", "access to*denied", "blocked", "denied by",
		"rejected for", "message refused", "message rejected", "mail rejected", "mail refused", "rejected by*rule",
		"rejected by system", "disallowed", "refusée par", "richtlinie", "politique", "política", "ポリシー",
		"zugriff verweigert",
	}},
	{ReasonNoUser, []string{
		"mailbox unavailable", "mailbox not available", "mailbox is unavailable", "unrouteable address",
		"recipient rejected", "recipient refused", "address rejected.", "@> address rejected", "@ address rejected",
		"@> address invalid", "@ address invalid", "undeliverable address", "user unavailable", "invalid address",
		"mailbox*unavailable", "addressee unknown",
	}},
	{ReasonNetwork, []string{"timeout", "timed out", "time-out"}},
	{ReasonNoUser, []string{"couldn't be found", "could not be found"}},
}
