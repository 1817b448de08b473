"""The texts in German."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

WEEKDAYS: Final = ("Mo.", "Di.", "Mi.", "Do.", "Fr.", "Sa.", "So.")
MONTHS: Final = (
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
)
TEXTS: Final[Mapping[str, str]] = {
    "moment": "{weekday}, {day}. {month} {year}, {time} ({offset})",
    "both": "{first} und {second}",
    "decimal_mark": ",",
    "octets": "{number} Byte",
    "greeting": "Guten Tag {name},",
    "mail_system": "dies ist das Mailsystem auf {host}.",
    "author.notice": "Mailsystem",
    "author.report": "Mailsystem (Zustellung)",
    "quota.subject": "Ihr Postfach ist zu {percent} % voll",
    "quota.level": "Ihr Postfach ist zu mehr als {percent} % voll: {used} sind belegt.",
    "quota.at": "Dies wurde bemerkt: {moment}.",
    "quota.of": "{used} von {limit}",
    "quota.messages": "{used} von {limit} Nachrichten",
    "quota.consequence": (
        "Wenn es voll ist, werden Nachrichten an Sie abgewiesen, und ihre Absender erfahren das. Löschen Sie "
        "Nachrichten, die Sie nicht mehr brauchen, auch aus den Ordnern für Gelöschtes und Spam, oder bitten Sie den "
        "Betreiber dieses Servers um mehr Platz."
    ),
    "quota.once": (
        "Sie erhalten diese Nachricht einmal, und erst dann wieder, wenn Ihr Postfach zwischendurch deutlich mehr "
        "Platz hatte."
    ),
    "limit.subject": "Nachrichten an andere Server warten: Ihr Konto liegt über einer Grenze",
    "limit.waits": "Nachrichten, die Sie an andere Server gesendet haben, warten hier. Der Grund: {reason}.",
    "limit.one_until": "Zurzeit wartet eine Nachricht; die letzte geht ab: {moment}.",
    "limit.many_until": "Zurzeit warten {mails} Nachrichten; die letzte geht ab: {moment}.",
    "limit.one_held": "Zurzeit wartet eine Nachricht; der Betreiber dieses Servers gibt sie frei.",
    "limit.many_held": "Zurzeit warten {mails} Nachrichten; der Betreiber dieses Servers gibt sie frei.",
    "limit.once": (
        "Nichts geht verloren, und Sie müssen nichts noch einmal senden. Was Sie inzwischen senden, wartet vielleicht "
        "ebenfalls. Sie erhalten diese Nachricht einmal und am selben Tag nicht noch einmal."
    ),
    "limit.not_you": (
        "Wenn Sie nicht so viele Nachrichten gesendet haben, benutzt vielleicht jemand anderes Ihr Konto: Ändern Sie "
        "Ihr Passwort, und bitten Sie den Betreiber dieses Servers um Hilfe."
    ),
    "report.subject.failed": "Unzustellbar: Ihre Nachricht kommt zurück",
    "report.subject.delayed": "Verzögert: Ihre Nachricht wird weiter versucht",
    "report.subject.relayed": "Ihre Nachricht wurde dem nächsten Server übergeben",
    "report.subject.expanded": "Ihre Nachricht wurde an mehrere Empfänger weitergegeben",
    "report.subject.delivered": "Ihre Nachricht wurde zugestellt",
    "report.message": "Ihre Nachricht „{subject}“ ({moment})",
    "report.some_message": "Ihre Nachricht",
    "report.failed": "{message} konnte nicht zugestellt werden an:",
    "report.delayed": "{message} ist noch nicht zugestellt an:",
    "report.relayed": "{message} wurde einem Server übergeben, der keine Zustellung meldet, für:",
    "report.expanded": "{message} wurde an mehrere Adressen weitergegeben, für:",
    "report.delivered": "{message} wurde zugestellt an:",
    "report.more": "{number} weitere Empfänger stehen im zweiten Teil dieses Berichts.",
    "report.tried_until": "Es wird weiter versucht bis: {moment}.",
    "report.server_said": "Der Server {server} antwortete:",
    "report.some_server_said": "Der Server antwortete:",
    "report.withheld": (
        "Ihr Inhalt wird nicht zurückgeschickt, weil sie mit der Forderung nach TLS (REQUIRETLS) gesendet wurde."
    ),
    "report.queue_id": (
        "Ihre Kennung war hier {queue_id}; der Betreiber kann darunter nachsehen, was mit ihr geschehen ist."
    ),
    "remedy.content": "Senden Sie sie in einfacherer Form noch einmal, zum Beispiel als Text ohne Anhänge.",
    "remedy.tls": (
        "Eine sichere Verbindung zum Server des Empfängers war nicht möglich. Bitten Sie den Anbieter des Empfängers, "
        "sein Zertifikat oder seine TLS-Richtlinie zu berichtigen; erreichen Sie den Empfänger bis dahin anders."
    ),
    "remedy.policy": (
        "Der Server des Empfängers weist solche Nachrichten nach eigenen Regeln ab. Seine Antwort sagt mehr; der "
        "Empfänger oder sein Anbieter kann die Regeln ändern, zum Beispiel Ihre Adresse als erwünscht eintragen."
    ),
    "remedy.authentication": (
        "Der Server des Empfängers konnte nicht bestätigen, dass die Nachricht von Ihrer Domain kommt. Der Betreiber "
        "Ihres Mailservers sollte SPF, DKIM und DMARC der Domain prüfen, zum Beispiel mit `mailfold doctor`."
    ),
    "remedy.reputation": (
        "Der Server des Empfängers vertraut der Adresse des sendenden Servers nicht. Der Betreiber Ihres Mailservers "
        "sollte prüfen, welchen Namen sie im DNS hat und ob sie auf einer Sperrliste steht."
    ),
    "remedy.address": (
        "Prüfen Sie die Adresse auf Tippfehler, und fragen Sie den Empfänger nach seiner heutigen Adresse."
    ),
    "remedy.full": (
        "Das Postfach ist voll. Bitten Sie den Empfänger auf anderem Weg, Platz zu schaffen, und senden Sie die "
        "Nachricht dann noch einmal."
    ),
    "remedy.size": (
        "Die Nachricht ist zu groß für den Empfänger. Senden Sie einen Link zu großen Anhängen, oder mehrere kleinere "
        "Teile."
    ),
    "remedy.no_answer": (
        "Der Server des Empfängers antwortet nicht oder ist nicht erreichbar. Senden Sie die Nachricht später noch "
        "einmal; wenn es so bleibt, muss der Anbieter des Empfängers es beheben."
    ),
    "remedy.no_route": (
        "Die Domain der Adresse empfängt so, wie sie eingerichtet ist, keine E-Mail. Prüfen Sie den Teil hinter dem @."
    ),
    "remedy.loop": (
        "Die Nachricht lief im Kreis. Die Betreiber der genannten Server müssen eine Weiterleitung berichtigen."
    ),
    "remedy.later": (
        "Der Server des Empfängers nimmt zurzeit keine Nachrichten an. Senden Sie die Nachricht später noch einmal."
    ),
    "remedy.ascii": (
        "Die Adresse oder der Kopf der Nachricht hat Zeichen, mit denen der Server des Empfängers nicht umgehen kann. "
        "Benutzen Sie eine Adresse aus einfachen Buchstaben, wenn es eine gibt."
    ),
    "remedy.ambiguous": (
        "Mehrere Empfänger haben diese Adresse. Fragen Sie den Empfänger nach einer eindeutigen Adresse."
    ),
    "remedy.moved": (
        "Der Empfänger ist umgezogen und hat keine neue Adresse hinterlassen. Fragen Sie ihn auf anderem Weg."
    ),
    "remedy.own_address": (
        "Der Server des Empfängers hält Ihre eigene Adresse für ungültig. Prüfen Sie die Absenderadresse in Ihrem "
        "Mailprogramm."
    ),
    "remedy.own_domain": (
        "Die Domain Ihrer eigenen Adresse ist nicht zu finden. Der Betreiber Ihres Mailservers sollte ihr DNS prüfen."
    ),
    "remedy.null_mx": (
        "Die Domain der Adresse hat erklärt, dass sie nie E-Mail empfängt. Prüfen Sie den Teil hinter dem @."
    ),
    "remedy.mailbox": (
        "Das Postfach des Empfängers ist zurzeit nicht benutzbar. Fragen Sie den Empfänger auf anderem Weg."
    ),
    "remedy.disabled": (
        "Das Postfach des Empfängers ist abgeschaltet. Fragen Sie den Empfänger auf anderem Weg nach einer anderen "
        "Adresse."
    ),
    "remedy.list": "Die Mailingliste ließ sich nicht auflösen. Schreiben Sie dem Eigentümer der Liste.",
    "remedy.disk": (
        "Der Speicher auf dem Server des Empfängers ist voll. Senden Sie die Nachricht später noch einmal."
    ),
    "remedy.feature": (
        "Dem Server des Empfängers fehlt etwas, das diese Nachricht braucht. Senden Sie sie in einfacherer Form noch "
        "einmal, zum Beispiel als Text ohne Anhänge."
    ),
    "remedy.dns": (
        "Die Server der Domain waren im DNS nicht zu ermitteln. Prüfen Sie den Teil hinter dem @, oder versuchen Sie "
        "es später."
    ),
    "remedy.recipients": "Die Nachricht hat zu viele Empfänger. Senden Sie sie an kleinere Gruppen.",
    "remedy.form": (
        "Der Server des Empfängers kann die Nachricht in dieser Form nicht annehmen, und sie darf nicht verändert "
        "werden. Senden Sie sie in einfacherer Form noch einmal, zum Beispiel als Text ohne Anhänge."
    ),
    "remedy.no_poster": "Sie dürfen nicht an diese Mailingliste schreiben. Fragen Sie den Eigentümer der Liste.",
    "remedy.own_null_mx": (
        "Ihre eigene Domain hat erklärt, dass sie keine E-Mail empfängt. Der Betreiber Ihres Mailservers kann das "
        "ändern."
    ),
    "remedy.rate": (
        "Zu viele Nachrichten in kurzer Zeit. Senden Sie die Nachricht später noch einmal, und an weniger Empfänger."
    ),
    "remedy.refused": (
        "Das Postfach des Empfängers hat die Nachricht nicht angenommen. Fragen Sie den Empfänger auf anderem Weg."
    ),
    "remedy.protocol": (
        "Die beiden Server haben einander nicht verstanden. Der Betreiber Ihres Mailservers sollte sich die Antwort "
        "ansehen."
    ),
    "remedy.expired": (
        "Die Nachricht konnte in der Zeit, in der sie hier aufbewahrt wurde, nicht übergeben werden. Der Server des "
        "Empfängers antwortet nicht oder ist nicht erreichbar. Senden Sie die Nachricht später noch einmal; wenn es "
        "so bleibt, muss der Anbieter des Empfängers es beheben."
    ),
    "remedy.not_here": "Der Server des Empfängers empfängt keine E-Mail für diese Adresse. Prüfen Sie die Adresse.",
    "remedy.operator": (
        "Wenn nicht klar ist, was zu tun ist, zeigen Sie diesen Bericht dem Betreiber Ihres Mailservers."
    ),
    "remedy.wait": "Sie müssen nichts tun und die Nachricht nicht noch einmal senden.",
    "reason.mails_an_hour": "Das Konto sendet mehr als {number} Nachrichten in einer Stunde",
    "reason.mails_a_day": "Das Konto sendet mehr als {number} Nachrichten an einem Tag",
    "reason.recipients_an_hour": "Das Konto sendet an mehr als {number} Empfänger in einer Stunde",
    "reason.recipients_a_day": "Das Konto sendet an mehr als {number} Empfänger an einem Tag",
    "reason.new_recipients": "Das Konto schreibt an mehr als {number} neue Empfänger an einem Tag",
    "reason.no_mailbox": "Dieses Postfach gibt es hier nicht",
    "reason.disabled": "Das Postfach ist abgeschaltet",
    "reason.outgoing_only": "Diese Domain empfängt hier keine E-Mail",
    "reason.another_holder": (
        "Das Postfach, an das dies gesendet wurde, gibt es nicht mehr, und seine Adresse gehört jemand anderem"
    ),
    "reason.too_large": "Das Postfach nimmt keine Nachricht an, die größer als {number} Byte ist",
    "reason.full_octets": (
        "Das Postfach ist voll: {used} von {limit} Byte sind belegt, {more} weitere passen nicht hinein"
    ),
    "reason.full_messages": (
        "Das Postfach ist voll: {used} von {limit} Nachrichten sind vorhanden, {more} weitere passen nicht hinein"
    ),
    "reason.whole_quota": "{size} Byte sind mehr als der ganze Platz von {limit} Byte",
    "reason.list_bounce": "Eine Mailingliste nimmt keine Berichte und keine anderen Nachrichten ohne Absender an",
    "reason.list_automatic": "Eine Mailingliste nimmt keine automatischen Antworten an",
    "reason.list_loop": "Die Nachricht war schon einmal auf dieser Mailingliste",
    "reason.list_members": "Nur Mitglieder dürfen an diese Mailingliste schreiben",
    "reason.list_spam": "Sie sieht wie Spam aus, und dass ihr Verfasser Mitglied ist, ist nicht bewiesen",
    "reason.list_leave": "Nur ein Mitglied kann austreten, und dass der Verfasser eines ist, ist nicht bewiesen",
    "reason.no_reports": "Der nächste Server meldet keine Zustellung",
    "reason.larger": "Die Nachricht ist größer, als der Server erlaubt",
    "reason.no_smtputf8": "Der Server nimmt keine Adressen oder Kopfzeilen mit anderen als ASCII-Zeichen an",
    "reason.no_requiretls": "Der Server beherrscht REQUIRETLS nicht, das der Absender verlangt",
    # Die Hinweise an einen Inhaber zum Filter seines Postfachs.
    "script.failed.subject": "Ihr Mailfilter hat einen Fehler",
    "script.failed.text": "Ihr Filter {script} endete mit einem Fehler in Zeile {line}: {error}",
    "script.failed.kept": "Die Nachricht liegt in Ihrem Posteingang, ohne das, was der Filter geändert hätte.",
    "script.failed.abandoned": "Diese Aktionen wurden nicht ausgeführt: {actions}.",
    "script.failed.mend": (
        "Bis der Filter berichtigt ist, bleiben Nachrichten, die zu diesem Fehler führen, im Posteingang."
    ),
    "script.redirect.subject": "Ihr Mailfilter konnte eine Nachricht nicht weiterleiten",
    "script.redirect.text": "Ihr Filter ({script}, Zeile {line}) hätte eine Nachricht an {address} weitergeleitet.",
    "script.redirect.loop": "Das unterblieb, weil die Nachricht von dort zurückkam oder zwischen Servern kreist.",
    "script.redirect.limit": (
        "Das unterblieb, weil Ihr Filter so viele Nachrichten weitergeleitet hat, wie an einem Tag erlaubt sind."
    ),
    "script.redirect.unknown": "Das unterblieb, weil die Adresse hier keine Post annimmt.",
    "script.redirect.list": "Das unterblieb, weil es hier keine Mailingliste mit dieser Adresse gibt.",
    "script.notify.subject": "Ihr Mailfilter konnte nicht benachrichtigen",
    "script.notify.text": "Ihr Filter ({script}, Zeile {line}) hätte eine Benachrichtigung an {address} gesendet.",
    "script.notify.limit": (
        "Das unterblieb, weil Ihr Filter so viele Benachrichtigungen gesendet hat, wie an einem Tag erlaubt sind."
    ),
    "script.kept": "Die Nachricht bleibt in Ihrem Postfach.",
    "script.refusal.subject": "Ihr Mailfilter konnte eine Nachricht nicht ablehnen",
    "script.refusal.text": "Ihr Filter ({script}, Zeile {line}) hätte eine Nachricht abgelehnt.",
    "script.refusal.kept": (
        "Das unterblieb, weil ihr Absender nicht nachgewiesen ist oder weil sie Spam ist: Die Ablehnung hätte "
        "jemand anderen erreicht. Die Nachricht liegt in Ihrem Posteingang."
    ),
    "script.message": "Die Nachricht: von {author}, mit dem Betreff: {subject}",
    "script.once": "Sie erhalten einen solchen Hinweis höchstens einmal am Tag.",
    "reject.subject": "Ihre Nachricht wurde abgelehnt",
    "reject.text": (
        "Ihre Nachricht an {recipient} wurde vom Filter des Empfängers abgelehnt und nicht gelesen. Der "
        "Empfänger teilt mit:"
    ),
    "moderation.subject": "{list}: {posts} zu moderieren",
    "moderation.intro": "Sie moderieren die Mailingliste {list}. Diese Beiträge warten auf eine Entscheidung.",
    "moderation.from": "Von: {author}",
    "moderation.from.unproven": "Von: {author} (nicht nachgewiesen: diese Adresse kann jeder geschrieben haben)",
    "moderation.title": "Betreff: {subject}",
    "moderation.withheld": "(nicht gezeigt: der Absender verlangt TLS bis zum Leser)",
    "moderation.size": "Größe: {size} Byte. Der Beitrag verfällt: {until}. Seine Kennung ist {post}.",
    "moderation.approve": "Um ihn freizugeben, schreiben Sie an {address}",
    "moderation.refuse": "Um ihn abzulehnen, schreiben Sie an {address}",
    "moderation.command": "Mit einem Befehl: `mailfold list approve {list} {post}` oder `refuse`.",
    "moderation.more": "{posts} weitere warten. `mailfold list held {list}` zeigt alle.",
    "moderation.reply": "Eine Antwort auf diese Nachricht gibt den Beitrag frei, was auch immer darin steht.",
    "moderation.addresses": (
        "Jede dieser Adressen gilt einmal, nur für Sie und bis der Beitrag verfällt: Senden Sie die Nachricht mit "
        "Ihrer Anmeldung hier, oder so, dass sie DMARC mit Ihrer Adresse als Verfasser besteht."
    ),
    "moderation.author.subject": "Ihr Beitrag an {list} wurde nicht verteilt",
    "moderation.author.refused": (
        "Ihr Beitrag an die Mailingliste {list} wurde nicht verteilt, weil ein Moderator ihn abgelehnt hat. Sein "
        "Betreff: {subject}"
    ),
    "moderation.author.expired": (
        "Ihr Beitrag an die Mailingliste {list} wurde nicht verteilt, weil kein Moderator rechtzeitig entschieden "
        "hat. Sein Betreff: {subject}"
    ),
    "moderation.author.text": "Der Moderator schreibt: {text}",
    "reason.list_room": (
        "zu viele Beiträge an diese Mailingliste warten auf ihre Moderatoren; versuchen Sie es in einigen Tagen wieder"
    ),
    "reason.list_moderator": (
        "nur ein Moderator entscheidet über einen Beitrag, und der Verfasser ist nicht als einer nachgewiesen"
    ),
    "reason.list_not_this_moderator": (
        "diese Adresse wurde nicht für diesen Moderator geschrieben, oder sie ist abgelaufen"
    ),
    "reason.list_decided": "dieser Beitrag wartet nicht mehr",
}
