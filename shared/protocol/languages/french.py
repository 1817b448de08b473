"""The texts in French."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

WEEKDAYS: Final = ("lun.", "mar.", "mer.", "jeu.", "ven.", "sam.", "dim.")
MONTHS: Final = (
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
)
TEXTS: Final[Mapping[str, str]] = {
    "moment": "{weekday} {day} {month} {year} {time} ({offset})",
    "both": "{first} et {second}",
    "decimal_mark": ",",
    "octets": "{number} octets",
    "greeting": "Bonjour {name},",
    "mail_system": "Ceci est le système de messagerie de {host}.",
    "author.notice": "Messagerie",
    "author.report": "Messagerie (distribution)",
    "quota.subject": "Votre boîte aux lettres est pleine à {percent} %",
    "quota.level": "Votre boîte aux lettres est pleine à plus de {percent} % : {used} sont utilisés.",
    "quota.at": "Constaté le {moment}.",
    "quota.of": "{used} sur {limit}",
    "quota.messages": "{used} messages sur {limit}",
    "quota.consequence": (
        "Quand elle sera pleine, les messages qui vous sont adressés seront refusés et leurs expéditeurs en seront "
        "informés. Supprimez les messages dont vous n'avez plus besoin, y compris dans la corbeille et le dossier des "
        "indésirables, ou demandez plus de place à l'opérateur de ce serveur."
    ),
    "quota.once": (
        "Vous recevez ce message une seule fois ; il ne reviendra que si votre boîte a retrouvé entre-temps nettement "
        "plus de place."
    ),
    "limit.subject": "Des messages vers d'autres serveurs attendent : votre compte dépasse une limite",
    "limit.waits": "Des messages que vous avez envoyés vers d'autres serveurs attendent ici. Motif : {reason}.",
    "limit.one_until": "Un message attend actuellement ; le dernier partira le {moment}.",
    "limit.many_until": "{mails} messages attendent actuellement ; le dernier partira le {moment}.",
    "limit.one_held": "Un message attend actuellement ; l'opérateur de ce serveur le libérera.",
    "limit.many_held": "{mails} messages attendent actuellement ; l'opérateur de ce serveur les libérera.",
    "limit.once": (
        "Rien n'est perdu et vous n'avez rien à renvoyer. Ce que vous envoyez entre-temps peut attendre aussi. Vous "
        "recevez ce message une seule fois par jour."
    ),
    "limit.not_you": (
        "Si vous n'avez pas envoyé autant de messages, quelqu'un d'autre utilise peut-être votre compte : changez "
        "votre mot de passe et demandez de l'aide à l'opérateur de ce serveur."
    ),
    "report.subject.failed": "Message non distribué, retourné à l'expéditeur",
    "report.subject.delayed": "Message retardé (les essais continuent)",
    "report.subject.relayed": "Message remis au serveur suivant",
    "report.subject.expanded": "Message transmis à plusieurs destinataires",
    "report.subject.delivered": "Message distribué",
    "report.message": "Votre message « {subject} » du {moment}",
    "report.some_message": "Votre message",
    "report.failed": "{message} n'a pas pu être distribué à :",
    "report.delayed": "{message} n'a pas encore été distribué à :",
    "report.relayed": "{message} a été remis à un serveur qui ne signale pas la distribution, pour :",
    "report.expanded": "{message} a été transmis à plusieurs adresses, pour :",
    "report.delivered": "{message} a été distribué à :",
    "report.more": "{number} autres destinataires figurent dans la deuxième partie de ce rapport.",
    "report.tried_until": "Les essais continueront jusqu'au {moment}.",
    "report.server_said": "Le serveur {server} a répondu :",
    "report.some_server_said": "Le serveur a répondu :",
    "report.withheld": (
        "Son contenu n'est pas retourné, parce qu'il a été envoyé avec l'exigence de TLS (REQUIRETLS)."
    ),
    "report.queue_id": ("Son identifiant était ici {queue_id} ; l'opérateur peut y retrouver ce qui lui est arrivé."),
    "remedy.content": "Renvoyez-le sous une forme plus simple, par exemple en texte sans pièces jointes.",
    "remedy.tls": (
        "Une connexion sécurisée avec le serveur du destinataire était impossible. Demandez au fournisseur du "
        "destinataire de corriger son certificat ou sa politique TLS ; d'ici là, joignez le destinataire autrement."
    ),
    "remedy.policy": (
        "Le serveur du destinataire refuse de tels messages selon ses propres règles. Sa réponse en dit plus ; le "
        "destinataire ou son fournisseur peut changer ces règles, par exemple en acceptant votre adresse."
    ),
    "remedy.authentication": (
        "Le serveur du destinataire n'a pas pu confirmer que le message vient de votre domaine. L'opérateur de votre "
        "serveur devrait vérifier SPF, DKIM et DMARC du domaine, par exemple avec `mailfold doctor`."
    ),
    "remedy.reputation": (
        "Le serveur du destinataire ne fait pas confiance à l'adresse du serveur émetteur. L'opérateur de votre "
        "serveur devrait vérifier son nom DNS inverse et sa présence éventuelle sur une liste de blocage."
    ),
    "remedy.address": (
        "Vérifiez que l'adresse ne contient pas de faute de frappe et demandez au destinataire son adresse actuelle."
    ),
    "remedy.full": (
        "La boîte aux lettres est pleine. Demandez autrement au destinataire de faire de la place, puis renvoyez le "
        "message."
    ),
    "remedy.size": (
        "Le message est trop gros pour le destinataire. Envoyez un lien vers les grosses pièces jointes, ou plusieurs "
        "parties plus petites."
    ),
    "remedy.no_answer": (
        "Le serveur du destinataire ne répond pas ou n'est pas joignable. Renvoyez le message plus tard ; si cela "
        "dure, c'est au fournisseur du destinataire d'y remédier."
    ),
    "remedy.no_route": (
        "Tel qu'il est configuré, le domaine de l'adresse ne reçoit pas de courrier. Vérifiez la partie après le @."
    ),
    "remedy.loop": (
        "Le message a tourné en rond. Les opérateurs des serveurs nommés doivent corriger une redirection."
    ),
    "remedy.later": (
        "Le serveur du destinataire ne peut pas accepter de messages actuellement. Renvoyez le message plus tard."
    ),
    "remedy.ascii": (
        "L'adresse ou l'en-tête contient des caractères que le serveur du destinataire n'accepte pas. Utilisez une "
        "adresse en lettres simples, s'il y en a une."
    ),
    "remedy.ambiguous": (
        "Plusieurs destinataires ont cette adresse. Demandez au destinataire une adresse sans ambiguïté."
    ),
    "remedy.moved": ("Le destinataire est parti sans laisser de nouvelle adresse. Demandez-la-lui par un autre moyen."),
    "remedy.own_address": (
        "Votre propre adresse n'est pas valable pour le serveur du destinataire. Vérifiez l'adresse d'expéditeur de "
        "votre logiciel de messagerie."
    ),
    "remedy.own_domain": (
        "Le domaine de votre propre adresse est introuvable. L'opérateur de votre serveur devrait vérifier son DNS."
    ),
    "remedy.null_mx": (
        "Le domaine de l'adresse a déclaré qu'il ne reçoit jamais de courrier. Vérifiez la partie après le @."
    ),
    "remedy.mailbox": (
        "La boîte aux lettres du destinataire est inutilisable actuellement. Joignez le destinataire autrement."
    ),
    "remedy.disabled": (
        "La boîte aux lettres du destinataire est désactivée. Demandez-lui une autre adresse par un autre moyen."
    ),
    "remedy.list": "La liste de diffusion n'a pas pu être développée. Écrivez au propriétaire de la liste.",
    "remedy.disk": "Le disque du serveur du destinataire est plein. Renvoyez le message plus tard.",
    "remedy.feature": (
        "Il manque au serveur du destinataire une fonction dont ce message a besoin. Renvoyez-le sous une forme plus "
        "simple, par exemple en texte sans pièces jointes."
    ),
    "remedy.dns": (
        "Les serveurs du domaine sont introuvables dans le DNS. Vérifiez la partie après le @, ou réessayez plus tard."
    ),
    "remedy.recipients": "Le message a trop de destinataires. Envoyez-le à des groupes plus petits.",
    "remedy.form": (
        "Le serveur du destinataire ne peut pas accepter le message sous cette forme, et il ne doit pas être modifié. "
        "Renvoyez-le sous une forme plus simple, par exemple en texte sans pièces jointes."
    ),
    "remedy.no_poster": (
        "Vous n'avez pas le droit d'écrire à cette liste de diffusion. Adressez-vous au propriétaire de la liste."
    ),
    "remedy.own_null_mx": (
        "Votre propre domaine a déclaré qu'il ne reçoit pas de courrier. L'opérateur de votre serveur peut changer "
        "cela."
    ),
    "remedy.rate": ("Trop de messages en peu de temps. Renvoyez le message plus tard, et à moins de destinataires."),
    "remedy.refused": (
        "La boîte aux lettres du destinataire n'a pas accepté le message. Joignez le destinataire autrement."
    ),
    "remedy.protocol": (
        "Les deux serveurs ne se sont pas compris. L'opérateur de votre serveur devrait examiner la réponse."
    ),
    "remedy.expired": (
        "Le message n'a pas pu être remis pendant le temps où il a été gardé ici. Le serveur du destinataire ne répond "
        "pas ou n'est pas joignable. Renvoyez le message plus tard ; si cela dure, c'est au fournisseur du "
        "destinataire d'y remédier."
    ),
    "remedy.not_here": ("Le serveur du destinataire ne reçoit pas de courrier pour cette adresse. Vérifiez l'adresse."),
    "remedy.operator": "En cas de doute, montrez ce rapport à l'opérateur de votre serveur.",
    "remedy.wait": "Vous n'avez rien à faire, et pas besoin de renvoyer le message.",
    "reason.mails_an_hour": "le compte envoie plus de {number} messages par heure",
    "reason.mails_a_day": "le compte envoie plus de {number} messages par jour",
    "reason.recipients_an_hour": "le compte écrit à plus de {number} destinataires par heure",
    "reason.recipients_a_day": "le compte écrit à plus de {number} destinataires par jour",
    "reason.new_recipients": "le compte écrit à plus de {number} nouveaux destinataires par jour",
    "reason.no_mailbox": "cette boîte aux lettres n'existe pas ici",
    "reason.disabled": "la boîte aux lettres est désactivée",
    "reason.outgoing_only": "ce domaine ne reçoit pas de courrier ici",
    "reason.another_holder": (
        "la boîte aux lettres visée a été supprimée, et son adresse appartient à quelqu'un d'autre"
    ),
    "reason.too_large": "la boîte aux lettres n'accepte pas de message de plus de {number} octets",
    "reason.full_octets": (
        "la boîte aux lettres est pleine : {used} octets sur {limit} sont utilisés, {more} de plus n'y entrent pas"
    ),
    "reason.full_messages": (
        "la boîte aux lettres est pleine : elle contient {used} messages sur {limit}, {more} de plus n'y entrent pas"
    ),
    "reason.whole_quota": "{size} octets dépassent la place totale de {limit} octets",
    "reason.list_bounce": "une liste de diffusion n'accepte ni rapports ni autres messages sans expéditeur",
    "reason.list_automatic": "une liste de diffusion n'accepte pas de réponses automatiques",
    "reason.list_loop": "le message est déjà passé par cette liste de diffusion",
    "reason.list_members": "seuls les membres peuvent écrire à cette liste de diffusion",
    "reason.list_spam": "il ressemble à un indésirable, et rien ne prouve que son auteur est membre",
    "reason.list_leave": "seul un membre peut se désinscrire, et rien ne prouve que l'auteur en est un",
    "reason.no_reports": "le serveur suivant ne signale pas la distribution",
    "reason.larger": "le message est plus gros que ce que le serveur accepte",
    "reason.no_smtputf8": "le serveur n'accepte pas les adresses ou en-têtes internationalisés",
    "reason.no_requiretls": "le serveur ne prend pas en charge REQUIRETLS, exigé par l'expéditeur",
    # Les avis au titulaire sur le filtre de sa boîte.
    "script.failed.subject": "Votre filtre de courrier a une erreur",
    "script.failed.text": "Votre filtre {script} s’est terminé par une erreur à la ligne {line} : {error}",
    "script.failed.kept": "Le message est dans votre boîte de réception, sans ce que le filtre y aurait changé.",
    "script.failed.abandoned": "Ces actions n’ont pas été exécutées : {actions}.",
    "script.failed.mend": (
        "Tant que le filtre n’est pas corrigé, les messages qui mènent à cette erreur restent dans la boîte "
        "de réception."
    ),
    "script.redirect.subject": "Votre filtre n’a pas pu faire suivre un message",
    "script.redirect.text": "Votre filtre ({script}, ligne {line}) aurait fait suivre un message à {address}.",
    "script.redirect.loop": "Cela n’a pas été fait, car le message en est revenu ou tourne entre des serveurs.",
    "script.redirect.limit": (
        "Cela n’a pas été fait, car votre filtre a fait suivre autant de messages qu’il est permis en un jour."
    ),
    "script.redirect.unknown": "Cela n’a pas été fait, car cette adresse ne reçoit pas de courrier ici.",
    "script.redirect.list": "Cela n’a pas été fait, car il n’y a pas ici de liste de diffusion à cette adresse.",
    "script.notify.subject": "Votre filtre n’a pas pu envoyer une notification",
    "script.notify.text": "Votre filtre ({script}, ligne {line}) aurait envoyé une notification à {address}.",
    "script.notify.limit": (
        "Cela n’a pas été fait, car votre filtre a envoyé autant de notifications qu’il est permis en un jour."
    ),
    "script.kept": "Le message reste dans votre boîte.",
    "script.refusal.subject": "Votre filtre n’a pas pu refuser un message",
    "script.refusal.text": "Votre filtre ({script}, ligne {line}) aurait refusé un message.",
    "script.refusal.kept": (
        "Cela n’a pas été fait, car l’expéditeur n’est pas prouvé ou le message est indésirable : le refus "
        "aurait atteint quelqu’un d’autre. Le message est dans votre boîte de réception."
    ),
    "script.message": "Le message : de {author}, avec l’objet : {subject}",
    "script.once": "Vous recevez un tel avis au plus une fois par jour.",
    "reject.subject": "Votre message a été refusé",
    "reject.text": (
        "Votre message à {recipient} a été refusé par le filtre du destinataire et n’a pas été lu. Le "
        "destinataire indique :"
    ),
    "moderation.subject": "{list} : {posts} à modérer",
    "moderation.intro": "Vous modérez la liste de diffusion {list}. Ces messages attendent une décision.",
    "moderation.from": "De : {author}",
    "moderation.from.unproven": "De : {author} (non prouvé : n’importe qui peut avoir écrit cette adresse)",
    "moderation.title": "Objet : {subject}",
    "moderation.withheld": "(non montré : l’expéditeur exige TLS jusqu’au lecteur)",
    "moderation.size": "Taille : {size} octets. Le message expire : {until}. Son identifiant est {post}.",
    "moderation.approve": "Pour l’approuver, écrivez à {address}",
    "moderation.refuse": "Pour le refuser, écrivez à {address}",
    "moderation.command": "Par commande : `mailfold list approve {list} {post}`, ou `refuse`.",
    "moderation.more": "{posts} autres attendent. `mailfold list held {list}` les montre tous.",
    "moderation.reply": "Une réponse à ce message approuve l’envoi, quoi qu’elle dise.",
    "moderation.addresses": (
        "Chacune de ces adresses sert une fois, pour vous seul, et jusqu’à l’expiration du message : envoyez le "
        "vôtre avec votre connexion ici, ou de sorte qu’il passe DMARC avec votre adresse comme auteur."
    ),
    "moderation.author.subject": "Votre message à {list} n’a pas été diffusé",
    "moderation.author.refused": (
        "Votre message à la liste de diffusion {list} n’a pas été diffusé, car un modérateur l’a refusé. Son objet"
        " : {subject}"
    ),
    "moderation.author.expired": (
        "Votre message à la liste de diffusion {list} n’a pas été diffusé, car aucun modérateur n’a décidé à "
        "temps. Son objet : {subject}"
    ),
    "moderation.author.text": "Le modérateur écrit : {text}",
    "reason.list_room": (
        "trop de messages à cette liste de diffusion attendent ses modérateurs ; réessayez dans quelques jours"
    ),
    "reason.list_moderator": "seul un modérateur décide d’un message, et il n’est pas prouvé que l’auteur en soit un",
    "reason.list_not_this_moderator": "cette adresse n’a pas été écrite pour ce modérateur, ou elle a expiré",
    "reason.list_decided": "ce message n’attend plus",
}
