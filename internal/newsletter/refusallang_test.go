package newsletter_test

import (
	"testing"

	"syndicate/internal/newsletter"
)

// TestClassifyLanguages: what mail systems say to people, in their languages.
func TestClassifyLanguages(t *testing.T) {
	t.Parallel()
	for language, said := range map[string][2]string{
		"de": {"Ihre Nachricht wurde nicht zugestellt, weil die Adresse nicht gefunden wurde.", "Das Postfach des Empfängers ist voll."},
		"fr": {"Votre message n’a pas été remis, car l’adresse est introuvable.", "La boîte aux lettres du destinataire est pleine."},
		"es": {"Tu mensaje no se entregó porque no se encontró la dirección.", "El buzón del destinatario está lleno."},
		"it": {"Il messaggio non è stato consegnato perché l'indirizzo non è stato trovato.", "La cassetta postale del destinatario è piena."},
		"pt": {"Sua mensagem não foi entregue porque o endereço não foi encontrado.", "A caixa de correio do destinatário está cheia."},
		"nl": {"Je bericht is niet bezorgd omdat het adres niet kan worden gevonden.", "Het postvak van de geadresseerde is vol en kan niets ontvangen."},
		"pl": {"Wiadomość nie została dostarczona, ponieważ nie znaleziono adresu.", "Skrzynka pocztowa adresata jest pełna."},
		"ru": {"Сообщение не доставлено, поскольку адрес не найден.", "Почтовый ящик получателя переполнен."},
		"uk": {"Повідомлення не доставлено, оскільки адресу не знайдено.", "Поштову скриньку переповнено."},
		"ja": {"メールを配信できませんでした。アドレスが見つからないか、メールを受信できません。", "受信者のメールボックスがいっぱいです。"},
		"zh": {"您的邮件未送达，因为系统找不到该地址。", "收件人的邮箱已满。"},
		"ko": {"주소를 찾을 수 없어 메일이 전송되지 않았습니다.", "받는 사람의 사서함이 가득 찼습니다."},
		"sv": {"Meddelandet levererades inte eftersom adressen inte kunde hittas.", "Mottagarens postlåda är full."},
		"da": {"Meddelelsen blev ikke leveret, fordi adressen ikke blev fundet.", "Modtagerens postkasse er fuld."},
		"nb": {"Meldingen ble ikke levert fordi adressen ikke ble funnet.", "Mottakerens postboks er full."},
		"fi": {"Viestiä ei toimitettu, koska osoitetta ei löydy.", "Vastaanottajan postilaatikko on täynnä."},
		"cs": {"Zprávu se nepodařilo doručit, protože adresa nebyla nalezena.", "Poštovní schránka příjemce je plná."},
		"hu": {"Az üzenet nem érkezett meg, mert a cím nem található.", "A címzett postafiókja megtelt."},
		"tr": {"Adres bulunamadığı için iletiniz teslim edilmedi.", "Alıcının posta kutusu dolu."},
		"ro": {"Mesajul nu a fost livrat, pentru că adresa nu a fost găsită.", "Căsuța poștală a destinatarului este plină."},
		"el": {"Το μήνυμα δεν παραδόθηκε, επειδή η διεύθυνση δεν βρέθηκε.", "Το γραμματοκιβώτιο του παραλήπτη είναι γεμάτο."},
	} {
		for i, want := range []newsletter.Reason{newsletter.ReasonNoUser, newsletter.ReasonFull} {
			if _, reason := newsletter.Classify(newsletter.Refusal{Code: 550, Words: said[i]}); reason != want {
				t.Errorf("%s: %s: %q, want %q", language, said[i], reason, want)
			}
		}
	}
}
