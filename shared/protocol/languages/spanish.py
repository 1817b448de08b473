"""The texts in Spanish."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

WEEKDAYS: Final = ("lun.", "mar.", "mié.", "jue.", "vie.", "sáb.", "dom.")
MONTHS: Final = (
    "enero",
    "febrero",
    "marzo",
    "abril",
    "mayo",
    "junio",
    "julio",
    "agosto",
    "septiembre",
    "octubre",
    "noviembre",
    "diciembre",
)
TEXTS: Final[Mapping[str, str]] = {
    "moment": "{weekday} {day} de {month} de {year}, {time} ({offset})",
    "both": "{first} y {second}",
    "decimal_mark": ",",
    "octets": "{number} octetos",
    "greeting": "Hola, {name}:",
    "mail_system": "Este es el sistema de correo de {host}.",
    "author.notice": "Sistema de correo",
    "author.report": "Sistema de correo (entrega)",
    "quota.subject": "Su buzón está lleno al {percent} %",
    "quota.level": "Su buzón está lleno a más del {percent} %: ocupación {used}.",
    "quota.at": "Momento de la comprobación: {moment}.",
    "quota.of": "{used} de {limit}",
    "quota.messages": "{used} de {limit} mensajes",
    "quota.consequence": (
        "Cuando esté lleno, se rechazarán los mensajes dirigidos a usted y se avisará a sus remitentes. Elimine los "
        "mensajes que no necesite, también de la papelera y del correo no deseado, o pida más espacio al operador de "
        "este servidor."
    ),
    "quota.once": (
        "Recibe este mensaje una sola vez; solo se repetirá si entretanto su buzón ha tenido claramente más espacio."
    ),
    "limit.subject": "Hay mensajes para otros servidores en espera: su cuenta supera un límite",
    "limit.waits": "Los mensajes que ha enviado a otros servidores esperan aquí. Motivo: {reason}.",
    "limit.one_until": "Ahora espera un mensaje; el último saldrá el {moment}.",
    "limit.many_until": "Ahora esperan {mails} mensajes; el último saldrá el {moment}.",
    "limit.one_held": "Ahora espera un mensaje; el operador de este servidor lo liberará.",
    "limit.many_held": "Ahora esperan {mails} mensajes; el operador de este servidor los liberará.",
    "limit.once": (
        "No se pierde nada y no tiene que volver a enviar nada. Lo que envíe entretanto quizá espere también. Recibe "
        "este mensaje una sola vez al día."
    ),
    "limit.not_you": (
        "Si usted no ha enviado tantos mensajes, quizá otra persona esté usando su cuenta: cambie la contraseña y pida "
        "ayuda al operador de este servidor."
    ),
    "report.subject.failed": "Mensaje no entregado, devuelto al remitente",
    "report.subject.delayed": "Mensaje retrasado (se sigue intentando)",
    "report.subject.relayed": "Mensaje entregado al servidor siguiente",
    "report.subject.expanded": "Mensaje transmitido a varios destinatarios",
    "report.subject.delivered": "Mensaje entregado",
    "report.message": "Su mensaje «{subject}» del {moment}",
    "report.some_message": "Su mensaje",
    "report.failed": "{message} no se pudo entregar a:",
    "report.delayed": "{message} todavía no se ha entregado a:",
    "report.relayed": "{message} pasó a un servidor que no informa de la entrega, para:",
    "report.expanded": "{message} se transmitió a varias direcciones, para:",
    "report.delivered": "{message} se entregó a:",
    "report.more": "Otros {number} destinatarios figuran en la segunda parte de este informe.",
    "report.tried_until": "Se seguirá intentando hasta el {moment}.",
    "report.server_said": "El servidor {server} respondió:",
    "report.some_server_said": "El servidor respondió:",
    "report.withheld": "No se devuelve su contenido, porque se envió con la exigencia de TLS (REQUIRETLS).",
    "report.queue_id": ("Su identificador aquí era {queue_id}; con él, el operador puede consultar qué le ocurrió."),
    "remedy.content": "Vuelva a enviarlo en una forma más sencilla, por ejemplo como texto sin adjuntos.",
    "remedy.tls": (
        "No fue posible una conexión segura con el servidor del destinatario. Pida al proveedor del destinatario que "
        "corrija su certificado o su política de TLS; hasta entonces, contacte con el destinatario por otro medio."
    ),
    "remedy.policy": (
        "El servidor del destinatario rechaza estos mensajes por sus propias reglas. Su respuesta dice más; el "
        "destinatario o su proveedor puede cambiar las reglas, por ejemplo aceptando su dirección."
    ),
    "remedy.authentication": (
        "El servidor del destinatario no pudo confirmar que el mensaje procede de su dominio. El operador de su "
        "servidor debería comprobar SPF, DKIM y DMARC del dominio, por ejemplo con `mailfold doctor`."
    ),
    "remedy.reputation": (
        "El servidor del destinatario no confía en la dirección del servidor que envía. El operador de su servidor "
        "debería comprobar su nombre DNS inverso y si figura en una lista de bloqueo."
    ),
    "remedy.address": "Compruebe si la dirección tiene errores y pregunte al destinatario su dirección actual.",
    "remedy.full": (
        "El buzón está lleno. Pida al destinatario por otro medio que haga sitio y vuelva a enviar el mensaje."
    ),
    "remedy.size": (
        "El mensaje es demasiado grande para el destinatario. Envíe un enlace a los adjuntos grandes, o varias partes "
        "más pequeñas."
    ),
    "remedy.no_answer": (
        "El servidor del destinatario no responde o no es accesible. Vuelva a enviar el mensaje más tarde; si "
        "persiste, debe repararlo el proveedor del destinatario."
    ),
    "remedy.no_route": (
        "El dominio de la dirección, tal como está configurado, no recibe correo. Compruebe la parte detrás de la @."
    ),
    "remedy.loop": (
        "El mensaje dio vueltas en círculo. Los operadores de los servidores nombrados deben corregir un reenvío."
    ),
    "remedy.later": (
        "El servidor del destinatario no puede aceptar mensajes ahora. Vuelva a enviar el mensaje más tarde."
    ),
    "remedy.ascii": (
        "La dirección o la cabecera tiene caracteres que el servidor del destinatario no admite. Use una dirección de "
        "letras sencillas, si la hay."
    ),
    "remedy.ambiguous": "Varios destinatarios tienen esta dirección. Pida al destinatario una dirección inequívoca.",
    "remedy.moved": ("El destinatario se ha ido sin dejar una dirección nueva. Pregúntele por otro medio."),
    "remedy.own_address": (
        "Su propia dirección no es válida para el servidor del destinatario. Compruebe la dirección de remitente de su "
        "programa de correo."
    ),
    "remedy.own_domain": (
        "No se encuentra el dominio de su propia dirección. El operador de su servidor debería comprobar su DNS."
    ),
    "remedy.null_mx": (
        "El dominio de la dirección ha declarado que nunca recibe correo. Compruebe la parte detrás de la @."
    ),
    "remedy.mailbox": "El buzón del destinatario no se puede usar ahora. Pregunte al destinatario por otro medio.",
    "remedy.disabled": ("El buzón del destinatario está desactivado. Pídale por otro medio una dirección distinta."),
    "remedy.list": "No se pudo resolver la lista de correo. Escriba al propietario de la lista.",
    "remedy.disk": "El disco del servidor del destinatario está lleno. Vuelva a enviar el mensaje más tarde.",
    "remedy.feature": (
        "Al servidor del destinatario le falta una función que este mensaje necesita. Vuelva a enviarlo en una forma "
        "más sencilla, por ejemplo como texto sin adjuntos."
    ),
    "remedy.dns": (
        "No se pudieron consultar en el DNS los servidores del dominio. Compruebe la parte detrás de la @, o inténtelo "
        "más tarde."
    ),
    "remedy.recipients": "El mensaje tiene demasiados destinatarios. Envíelo a grupos más pequeños.",
    "remedy.form": (
        "El servidor del destinatario no puede aceptar el mensaje en esta forma, y no se debe modificar. Vuelva a "
        "enviarlo en una forma más sencilla, por ejemplo como texto sin adjuntos."
    ),
    "remedy.no_poster": "Usted no puede escribir a esta lista de correo. Consulte al propietario de la lista.",
    "remedy.own_null_mx": (
        "Su propio dominio ha declarado que no recibe correo. El operador de su servidor puede cambiarlo."
    ),
    "remedy.rate": (
        "Demasiados mensajes en poco tiempo. Vuelva a enviar el mensaje más tarde, y a menos destinatarios."
    ),
    "remedy.refused": "El buzón del destinatario no aceptó el mensaje. Pregunte al destinatario por otro medio.",
    "remedy.protocol": (
        "Los dos servidores no se entendieron. El operador de su servidor debería examinar la respuesta."
    ),
    "remedy.expired": (
        "El mensaje no se pudo entregar en el tiempo en que se guardó aquí. El servidor del destinatario no responde o "
        "no es accesible. Vuelva a enviar el mensaje más tarde; si persiste, debe repararlo el proveedor del "
        "destinatario."
    ),
    "remedy.not_here": ("El servidor del destinatario no recibe correo para esta dirección. Compruebe la dirección."),
    "remedy.operator": "Si no está claro qué hacer, muestre este informe al operador de su servidor.",
    "remedy.wait": "No tiene que hacer nada, ni volver a enviar el mensaje.",
    "reason.mails_an_hour": "la cuenta envía más de {number} mensajes por hora",
    "reason.mails_a_day": "la cuenta envía más de {number} mensajes al día",
    "reason.recipients_an_hour": "la cuenta escribe a más de {number} destinatarios por hora",
    "reason.recipients_a_day": "la cuenta escribe a más de {number} destinatarios al día",
    "reason.new_recipients": "la cuenta escribe a más de {number} destinatarios nuevos al día",
    "reason.no_mailbox": "aquí no existe ese buzón",
    "reason.disabled": "el buzón está desactivado",
    "reason.outgoing_only": "este dominio no recibe correo aquí",
    "reason.another_holder": ("el buzón al que se envió se ha eliminado, y su dirección pertenece a otra persona"),
    "reason.too_large": "el buzón no acepta mensajes de más de {number} octetos",
    "reason.full_octets": "el buzón está lleno: {used} de {limit} octetos ocupados, {more} más no caben",
    "reason.full_messages": "el buzón está lleno: {used} de {limit} mensajes, {more} más no caben",
    "reason.whole_quota": "{size} octetos superan todo el espacio de {limit} octetos",
    "reason.list_bounce": "una lista de correo no acepta informes ni otros mensajes sin remitente",
    "reason.list_automatic": "una lista de correo no acepta respuestas automáticas",
    "reason.list_loop": "el mensaje ya ha pasado por esta lista de correo",
    "reason.list_members": "solo los miembros pueden escribir a esta lista de correo",
    "reason.list_spam": "parece correo no deseado, y no consta que su autor sea miembro",
    "reason.list_leave": "solo un miembro puede darse de baja, y no consta que el autor lo sea",
    "reason.no_reports": "el servidor siguiente no informa de la entrega",
    "reason.larger": "el mensaje es mayor de lo que el servidor acepta",
    "reason.no_smtputf8": "el servidor no acepta direcciones ni cabeceras internacionalizadas",
    "reason.no_requiretls": "el servidor no admite REQUIRETLS, que el remitente exigió",
    # Los avisos al titular sobre el filtro de su buzón.
    "script.failed.subject": "Su filtro de correo tiene un error",
    "script.failed.text": "Su filtro {script} terminó con un error en la línea {line}: {error}",
    "script.failed.kept": "El mensaje está en su bandeja de entrada, sin lo que el filtro habría cambiado.",
    "script.failed.abandoned": "Estas acciones no se han ejecutado: {actions}.",
    "script.failed.mend": (
        "Hasta que se corrija el filtro, los mensajes que llevan a este error se quedan en la bandeja de entrada."
    ),
    "script.redirect.subject": "Su filtro no pudo reenviar un mensaje",
    "script.redirect.text": "Su filtro ({script}, línea {line}) habría reenviado un mensaje a {address}.",
    "script.redirect.loop": "No se hizo, porque el mensaje ha vuelto de allí o da vueltas entre servidores.",
    "script.redirect.limit": "No se hizo, porque su filtro ha reenviado tantos mensajes como se permiten en un día.",
    "script.redirect.unknown": "No se hizo, porque la dirección no recibe correo aquí.",
    "script.redirect.list": "No se hizo, porque aquí no hay ninguna lista de correo con esta dirección.",
    "script.notify.subject": "Su filtro no pudo enviar una notificación",
    "script.notify.text": "Su filtro ({script}, línea {line}) habría enviado una notificación a {address}.",
    "script.notify.limit": "No se hizo, porque su filtro ha enviado tantas notificaciones como se permiten en un día.",
    "script.kept": "El mensaje se queda en su buzón.",
    "script.refusal.subject": "Su filtro no pudo rechazar un mensaje",
    "script.refusal.text": "Su filtro ({script}, línea {line}) habría rechazado un mensaje.",
    "script.refusal.kept": (
        "No se hizo, porque el remitente no está probado o porque es spam: el rechazo habría llegado a otra "
        "persona. El mensaje está en su bandeja de entrada."
    ),
    "script.message": "El mensaje: de {author}, con el asunto: {subject}",
    "script.once": "Recibe un aviso así como máximo una vez al día.",
    "reject.subject": "Su mensaje fue rechazado",
    "reject.text": (
        "Su mensaje a {recipient} fue rechazado por el filtro del destinatario y no fue leído. El destinatario dice:"
    ),
    "moderation.subject": "{list}: {posts} por moderar",
    "moderation.intro": "Usted modera la lista de correo {list}. Estos mensajes esperan una decisión.",
    "moderation.from": "De: {author}",
    "moderation.from.unproven": "De: {author} (sin prueba: cualquiera puede haber escrito esta dirección)",
    "moderation.title": "Asunto: {subject}",
    "moderation.withheld": "(no se muestra: el remitente exige TLS hasta el lector)",
    "moderation.size": "Tamaño: {size} octetos. El mensaje caduca: {until}. Su identificador es {post}.",
    "moderation.approve": "Para aprobarlo, escriba a {address}",
    "moderation.refuse": "Para rechazarlo, escriba a {address}",
    "moderation.command": "Por comando: `mailfold list approve {list} {post}`, o `refuse`.",
    "moderation.more": "Esperan {posts} más. `mailfold list held {list}` los muestra todos.",
    "moderation.reply": "Una respuesta a este mensaje aprueba el envío, diga lo que diga.",
    "moderation.addresses": (
        "Cada una de estas direcciones sirve una vez, solo para usted y hasta que el mensaje caduque: envíe el "
        "suyo con su sesión en este servidor, o de modo que pase DMARC con su dirección como autor."
    ),
    "moderation.author.subject": "Su mensaje a {list} no se distribuyó",
    "moderation.author.refused": (
        "Su mensaje a la lista de correo {list} no se distribuyó, porque un moderador lo rechazó. Su asunto: {subject}"
    ),
    "moderation.author.expired": (
        "Su mensaje a la lista de correo {list} no se distribuyó, porque ningún moderador decidió a tiempo. Su "
        "asunto: {subject}"
    ),
    "moderation.author.text": "El moderador escribe: {text}",
    "reason.list_room": (
        "demasiados mensajes a esta lista de correo esperan a sus moderadores; inténtelo de nuevo en unos días"
    ),
    "reason.list_moderator": "solo un moderador decide sobre un mensaje, y no está probado que el autor lo sea",
    "reason.list_not_this_moderator": "esta dirección no se escribió para este moderador, o ha caducado",
    "reason.list_decided": "este mensaje ya no espera",
}
