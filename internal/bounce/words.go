package bounce

// What subjects and texts say in the languages that mail systems speak; lower
// case. What refusals say is in newsletter's table.
var (
	bounceSubjects = []string{
		"undeliver", "returned mail", "return mail", "delivery status", "delivery fail", "delivery has failed",
		"delivery error", "delivery problem", "failure notice", "failure delivery", "failed delivery", "mail delivery",
		"delivery notification", "delivery report", "non-delivery", "nondelivery", "non delivery", "nondeliverable",
		"returned to sender", "message returned", "mail failure", "mail error", "message rejected", "mail rejected",
		"could not send", "could not be delivered", "couldn't be delivered", "not delivered", "delivery incomplete",
		"delivery delayed", "delayed mail", "warning: message", "mail system error", "notification d'état", "bounce",
		"mail could not", "message could not", "message not delivered", "unable to deliver", "cannot deliver",
		"user unknown", "unzustellbar", "nicht zugestellt", "zustellung fehlgeschlagen", "zustellungsfehler",
		"unzustellbarkeit", "nicht zustellbar", "fehlgeschlagen", "non remis", "non distribu", "échec de la remise",
		"echec de la remise", "non délivr", "échec d'envoi", "impossible de remettre", "échec de distribution",
		"no entregado", "no se puede entregar", "no se pudo entregar", "no entregable", "error de entrega",
		"error en la entrega", "correo devuelto", "devuelto", "mancato recapito", "non recapitabile",
		"recapito non riuscito", "mancata consegna", "impossibile recapitare", "mancata notifica", "não entregue",
		"não é possível entregar", "não pôde ser entregue", "falha na entrega", "não entregável", "devolvida",
		"onbestelbaar", "niet bezorgd", "niet afgeleverd", "bezorging mislukt", "niedostarczon", "nie można dostarczyć",
		"zwrot", "недоставлен", "не доставлен", "не может быть доставлено", "невозможно доставить", "не удалось доставить",
		"配信不能", "配信できません", "配信に失敗", "配信エラー", "送信エラー", "メールエラー", "エラー通知", "送信できません", "エラーメール", "不達", "退信", "无法送达", "无法投递",
		"无法传递", "未送达", "退件", "傳送失敗", "無法傳遞", "전달되지", "배달되지", "반송", "olevererbart", "kan inte levereras",
		"kunde inte levereras", "inte levererat", "kan ikke leveres", "kunne ikke leveres", "ikke leveret",
		"ei voitu toimittaa", "toimittaminen epäonnistui", "nedoručiteln", "nelze doručit", "teslim edilemedi",
		"kézbesíthetetlen", "nem kézbesíthető", "ανεπίδοτο", "nelivrat",
	}
	replySubjects = []string{
		"out of office", "out-of-office", "out of the office", "automatic reply", "automated reply", "automatic response",
		"auto response", "auto-response", "auto reply", "auto-reply", "autoreply", "autoresponse", "autoresponder",
		"auto:", "vacation", "on holiday", "away from my", "away from the office", "ooo:", "is away", "abwesenheit",
		"abwesend", "automatische antwort", "außer haus", "nicht im büro", "im urlaub", "réponse automatique",
		"reponse automatique", "absence du bureau", "absent du bureau", "absence :", "en congé", "message d'absence",
		"notification d'absence", "fuera de la oficina", "respuesta automática", "respuesta automatica", "ausente",
		"risposta automatica", "fuori ufficio", "fuori sede", "assente", "resposta automática", "resposta automatica",
		"fora do escritório", "afwezig", "automatisch antwoord", "niet aanwezig", "autosvar", "automatiskt svar",
		"automatisk svar", "frånvaro", "fraværende", "ikke på kontoret", "autoodpowiedź", "odpowiedź automatyczna",
		"automatyczna odpowiedź", "poza biurem", "автоответ", "автоматический ответ", "自動応答", "自動返信", "不在", "自动回复", "自動回覆",
		"자동 회신", "자동 응답", "부재", "otomatik yanıt", "automatická odpověď", "automatická odpoveď", "mimo kancelář",
		"automaattinen vastaus", "poissa", "automatikus válasz", "αυτόματη απάντηση", "răspuns automat",
		"resposta automàtica", "automatiska atbilde", "automaatvastus", "automatinis atsakymas", "please confirm your message", "verification required", "anti-spam challenge",
		"your message requires", "needs to be verified", "sender verification", "[boxbe]", "spamarrest",
		"confirm your email to",
	}
	// still stands in warnings: nothing is given up yet.
	stillTried = []string{
		"will be retried", "will keep trying", "will try again", "will retry", "will continue to", "do not need to resend",
		"don't need to resend", "not need to resend", "no action is required", "no action required",
		"warning message only", "delivery delayed", "has been delayed", "is delayed", "delivery attempts will continue",
		"still being attempted", "message delayed", "still trying", "could not send message for past", "(delay)",
		"delayed mail", "wird weiter versucht", "zustellung verzögert", "verzögerung", "remise retardée", "est retardé",
		"a été retardé", "entrega retrasada", "entrega con retraso", "recapito ritardato", "consegna ritardata",
		"entrega atrasada", "entrega adiada", "bezorging vertraagd", "доставка задерживается", "配信遅延", "配信が遅れ", "延迟",
		"leveransen fördröjd", "levering forsinket",
	}
	// staff are local parts of people that reports tell to turn to.
	staff = []string{
		"mailer-daemon", "mailer_daemon", "postmaster", "abuse", "noreply", "no-reply", "donotreply", "helpdesk",
		"support", "hostmaster", "webmaster", "root", "mailadmin", "unblock", "postmaster-", "delist", "mail-support",
		"servicedesk", "spam", "sysadmin",
	}
)
