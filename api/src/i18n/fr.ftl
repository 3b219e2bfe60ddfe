# Ce que disent les pages en français. Mêmes clés, mêmes variables que dans en.ftl.

## Cadre
skip = Aller au contenu
search = Rechercher
search-hint = Liens, programmes, conversions par n’importe quel identifiant
nav = Pages
nav-dashboard = Tableau de bord
nav-stats = Statistiques
nav-links = Liens
nav-clicks = Clics
nav-conversions = Conversions
nav-commissions = Commissions
nav-programs = Programmes
nav-affiliates = Affiliés
menu-own = Langue et thème
language = Langue
theme = Thème
theme-auto = Comme le système
theme-light = Clair
theme-dark = Sombre
keys = Raccourcis
keys-search = rechercher
sign-in = Se connecter
sign-out = Se déconnecter
styleguide = Guide de style
pages = Autres lignes
pager-first = Au début
pager-next = Suite
undo = Annuler
save = Enregistrer
cancel = Abandonner
edit = Modifier
copy = Copier
copied = Copié
details = Détails
remove = Retirer
show = Afficher
export-csv = Exporter en CSV

## Connexion
field-login = E-mail ou nom d’utilisateur
field-password = Mot de passe
remember-me = Rester connecté sur cet appareil
signed-out = Vous êtes déconnecté.
sign-in-wrong = Aucun compte ne porte ce nom avec ce mot de passe. Saisissez-les à nouveau, ou demandez un nouveau mot de passe.
sign-in-unconfirmed = Votre adresse n’est pas encore confirmée. Nous vous avons renvoyé le lien : ouvrez-le, puis connectez-vous.
done-password-reset = Votre mot de passe est changé et vous êtes déconnecté partout. Connectez-vous avec le nouveau.
error-forbidden = Cette page n’est pas pour vous
error-forbidden-text = Votre rôle sur ce site n’ouvre pas cette page. L’administrateur du site peut changer cela.
error-step-up = Encore une étape
error-step-up-text = Cette page demande un second facteur. Configurez-en un dans votre compte, puis reconnectez-vous.
error-429 = Trop d’essais
error-429-text = Patientez un peu, puis réessayez. Si ce n’était pas vous, changez votre mot de passe.

## Période et fraîcheur
range = Période
preset-today = Aujourd’hui
preset-yesterday = Hier
preset-7d = 7 derniers jours
preset-30d = 30 derniers jours
preset-90d = 90 derniers jours
preset-month = Ce mois-ci
preset-last-month = Le mois dernier
preset-year = Cette année
from = Du
to = Au
zone = Fuseau horaire
compare = Comparer avec
compare-none = Rien
compare-previous = Période précédente
compare-year = Année précédente
as-of = { $time }
as-of-live = en direct, { $time }
as-of-filling = en cours, { $time }
as-of-hint = Tout ce que le collecteur a reçu avant cet instant est compté.
as-of-filling-hint = Des événements antérieurs à cet instant sont encore en cours de comptage : les nombres vont monter.
as-of-away = nombres en retard
as-of-away-hint = La base des nombres ne répond pas pour l’instant. Les clics sont pris et gardés : rien n’est perdu.
as-of-no-collector = Aucun collecteur n’est déclaré.
as-of-unheard = Encore sans nouvelles de { $who }.
as-of-unknown = rien de compté pour l’instant
expired = sans les événements d’avant le { $time }
expired-hint = Les événements d’avant ont expiré : leurs sommes par jour sont gardées, et cette question demande davantage.

## Nombres
metric-clicks = Clics
metric-uniques = Uniques
metric-duplicates = Répétés
metric-invalid = Invalides
metric-conversions = Conversions
metric-refused = Refusées
metric-cvr = Taux de conversion
metric-epc = Par clic
metric-amount = Ventes
metric-commission = Commission
metric-commissions = Commissions
share = Part
change-more = { $share } de plus
change-less = { $share } de moins
change-same = inchangé
change-new = nouveau
change-before = avant : { $number }
clicks-counted = { $n ->
    [one] { $count } clic
   *[other] { $count } clics
}
impressions-counted = { $n ->
    [one] { $count } impression
   *[other] { $count } impressions
}
conversions-counted = { $n ->
    [one] { $count } conversion
   *[other] { $count } conversions
}
commissions-counted = { $n ->
    [one] { $count } commission
   *[other] { $count } commissions
}
all = Toutes
refused-counted = { $n ->
    [one] { $count } refusée
   *[other] { $count } refusées
}
rows-shown = { $n ->
    [one] { $count } ligne
   *[other] { $count } lignes
}
more-than-shown = Les { $count } premières lignes ; les totaux ci-dessous les comptent toutes.
note-of-clicks = { $share } des clics
note-cvr = { $share } des clics valides
total = Total
others = Autres
unknown = Inconnu
none = Aucun
nothing-range = Rien sur cette période.
nothing-invalid = Aucun clic invalide sur cette période.
nothing-refused = Aucune conversion refusée sur cette période.

## Graphique
chart-clicks = Les clics dans le temps
chart-table = La même chose en tableau
chart-none = Ces filtres portent sur les conversions ; un clic n’en a aucun.
chart-open = en cours

## Dimensions
dim-time = Moment
dim-minute = Minute
dim-hour = Heure
dim-day = Jour
dim-week = Semaine
dim-month = Mois
dim-program = Programme
dim-link = Lien
dim-affiliate = Affilié
dim-country = Pays
dim-region = Région
dim-city = Ville
dim-device = Appareil
dim-os = Système
dim-browser = Navigateur
dim-language = Langue
dim-referrer = Provenance
dim-source = Source
dim-subs = Sub-ids
dim-sub1 = Sub 1
dim-sub2 = Sub 2
dim-sub3 = Sub 3
dim-sub4 = Sub 4
dim-sub5 = Sub 5
dim-sub6 = Sub 6
dim-sub7 = Sub 7
dim-sub8 = Sub 8
dim-sub9 = Sub 9
dim-sub10 = Sub 10
dim-code = Code
dim-event = Événement
dim-outcome = Issue
dim-status = État
dim-via = Reçue par
dim-currency = Devise
dim-reason = Motif d’invalidité
dim-refusal = Motif de refus
by-programs = Programmes
by-links = Liens
by-affiliates = Affiliés
by-countries = Pays
by-devices = Appareils
by-referrers = Provenances
by-reasons = Pourquoi des clics sont invalides
by-refusals = Pourquoi des conversions sont refusées
no-such-code = Codes inconnus
no-link = Sans lien
direct = Accès direct ou non précisé

## États
state-unique = Unique
state-duplicate = Répété
state-invalid = Invalide
state-accepted = Acceptée
state-refused = Refusée
state-pending = En attente
state-approved = Approuvée
state-rejected = Rejetée
state-hold = Retenue
state-processed = Traitée
state-paid = Payée
state-refunded = Remboursée
state-fraud = Fraude
state-canceled = Annulée
state-active = Actif
state-paused = En pause
state-on = Actif
state-off = Désactivé
state-expired = Expiré

## Motifs (schemas::reason), dits de façon à pouvoir agir
reason-orphan = Aucun lien n’a ce code
reason-malformed = Requête illisible
reason-expired = Le lien avait expiré
reason-disabled = Le lien était désactivé
reason-blocked = Bloqué par le programme
reason-prefetch = Préchargement par un navigateur
reason-bot = Robot connu
reason-datacenter = Depuis un centre de données
reason-proxy = Par un proxy ouvert
reason-velocity = Trop de clics en peu de temps
reason-cap = Plafond dépassé
refusal-malformed = Requête illisible
refusal-unknown-program = Ni programme ni clic indiqué
refusal-bad-token = Jeton absent ou faux
refusal-ip-not-allowed = Adresse non autorisée
refusal-bad-click-id = Identifiant de clic étranger
refusal-bad-amount = Montant ou devise impossible
refusal-unknown-event = Événement inconnu du programme
refusal-program-paused = Programme en pause
refusal-unknown-click = Aucun clic
refusal-click-unresolved = Le clic est parmi les lettres mortes
refusal-wrong-program = Clic d’un autre programme
refusal-click-blocked = Clic bloqué
refusal-window-expired = Hors délai après le clic
refusal-too-fast = Trop tôt après le clic
refusal-velocity = Trop de conversions en peu de temps
refusal-blocked-geo = Pays non accepté
refusal-cap = Plafond dépassé
refusal-duplicate-txn = Transaction déjà comptée
via-postback = Postback
via-pixel = Pixel
via-script = Script
via-api = API
via-import = Import
device-desktop = Ordinateur
device-mobile = Téléphone
device-phone = Téléphone
device-smartphone = Téléphone
device-mobilephone = Téléphone simple
device-tablet = Tablette
device-bot = Robot
device-crawler = Robot
device-appliance = Objet connecté
device-tv = Télévision
device-other = Autre

## Tableau de bord
dashboard-empty = Pas encore de clic
dashboard-empty-text = Dès qu’un visiteur suit un de vos liens, cette page le montre, une seconde plus tard. Ouvrez celui-ci pour le voir :
dashboard-start = Trois étapes jusqu’au premier clic
start-program = Créer un programme
start-program-text = Ce qui est promu : où vont les visiteurs et ce que rapporte une vente.
start-affiliate = Ajouter un affilié
start-affiliate-text = Qui en fait la promotion et est payé.
start-link = Créer un lien
start-link-text = L’adresse propre à l’affilié. Chaque clic y est compté.

## Statistiques
group-by = Grouper par
group-more = Autres dimensions
filter-add = Ajouter un filtre
filter-value = Valeur
filter-is = est
filter-not = n’est pas

## Clics
clicks-empty = Aucun clic ici
clicks-empty-text = Sur cette période, avec ces filtres, rien n’a été compté. Chaque clic est gardé avec son issue, même ceux qui ne comptent pas.
click-id = Identifiant du clic

## Liens
new-link = Nouveau lien
new-link-title = Un nouveau lien
tracking-url = URL de suivi
links-empty = Aucun lien ici
empty-links = Pas encore de lien
empty-links-text = Un lien est l’adresse propre d’un affilié pour un programme. Chaque clic y est compté, et ce qui s’ensuit aussi.
field-code = Code
hint-code = Lettres, chiffres, - et _. Laissé vide, il est choisi pour vous.
field-destination = Destination
hint-destination = Où vont les visiteurs. Laissée vide, celle du programme. Macros : {"{click_id} {link} {affiliate_id} {sub1}"}
field-program = Programme
field-affiliate = Affilié
field-expires = Expire le
hint-expires = Laissé vide, jamais.
hint-more-choices = Les 500 plus récents figurent ici. La recherche ci-dessus trouve les autres.
any = Tous
filter-links = Chercher par code ou destination
switch-off = Désactiver
switch-on = Réactiver
done-link-new = Le lien { $name } fonctionne.
done-link-saved = Le lien { $name } est enregistré.
done-link-off = Le lien { $name } est désactivé : ses visiteurs vont à l’adresse de repli.
done-link-on = Le lien { $name } est de nouveau actif.
warning-unknown-macro = Macro inconnue {"{"}{ $name }{"}"} : elle restera vide.
by-on-for = { $affiliate } pour { $program }

## Conversions
conversions-empty = Aucune conversion ici
conversions-empty-text = Une conversion arrive par l’URL de postback du programme. Les refusées sont gardées aussi, avec leur motif.
conversions-copy = Copiez l’URL de postback depuis la page d’un programme.
find-conversion = Transaction, clic, reçu ou cnv_…
find-nothing = Rien ne porte l’identifiant { $id }.
txn-id = Transaction
event = Événement
receipt = Reçu
when = Quand
status = État
amount = Montant
commission = Commission
conversion = Conversion
click-delayed = Le clic ne peut pas être montré pour l’instant : la base des nombres ne répond pas. Réessayez dans quelques secondes.
money-lines = Argent
account = Compte
debit = Débit
credit = Crédit
told-click = Clic sur un lien
told-impression = Affichage
told-conversion = Conversion signalée
told-attributed = Attribuée au clic
told-refused = Refusée
told-commission = Commission acquise
told-hold = Peut être libérée
told-later = { $time } plus tard
trace-raw = La trace entière
fact-rules = Règles, version
fact-window = Délai après le clic
fact-plan = Barème
fact-via = Arrivée par
fact-trusted = Prouvée par le programme
fact-elapsed = Du clic à la conversion
fact-reason = Motif
fact-signals = Signaux
yes = oui
no = non

## Commissions
commissions-empty = Aucune commission ici
commissions-empty-text = Une commission est acquise avec chaque conversion acceptée que paie le barème de son programme.
release-from = Retenue jusqu’au

## Programmes
new-program = Nouveau programme
new-program-title = Un nouveau programme
filter-programs = Chercher par nom
programs-none = Aucun programme ne porte ce nom
programs-empty = Pas encore de programme
programs-empty-text = Un programme est ce qui est promu : où vont les visiteurs, quels événements comptent et ce que chacun rapporte.
field-name = Nom
field-slug = Nom court
hint-slug = Dans les URL : a-z, 0-9 et -. Laissé vide, tiré du nom.
hint-program-destination = Où vont les visiteurs. Placez {"{click_id}"} là où la boutique le garde, par exemple https://boutique.example/?cid={"{click_id}"}
field-currency = Devise
field-window = Délai après le clic, en jours
hint-window = Une conversion compte jusqu’à ce délai après son clic.
field-hold = Retenue, en jours
hint-hold = Une commission peut être libérée ce délai après son événement.
terms = Ce qu’il paie
terms-text = Une ligne par événement. Une nouvelle ligne pour le même événement remplace le barème à partir de maintenant ; ce qui est acquis le reste.
field-event = Événement
hint-event = Comme la boutique le nomme : sale, lead, signup
field-pays = Paie
pays-percent = une part du montant
pays-flat = un montant fixe
pays-none = rien, compte seulement
field-figure = Combien
hint-figure = 5 pour 5 %, ou 12,50 pour un montant fixe.
add-terms = Ajouter un barème
pays-nothing = Ne paie rien
pays-each = { $amount } par conversion
pays-share = { $share } du montant
since = depuis le { $time }
from-the-start = depuis le début
postback = Postback
postback-text = Donnez cette URL à qui tient la boutique. Son serveur l’appelle une fois par conversion ; click_id est ce que le lien a mis dans la destination.
postback-url = URL de postback
postback-token = Jeton
postback-test = L’essayer depuis un terminal
rotate = Nouveau jeton
rotate-text = L’ancien jeton cesse de valoir en une seconde : le serveur de la boutique a besoin du nouveau.
rotate-confirm = Pour remplacer le jeton, tapez le nom court du programme : { $slug }
rotate-wrong = Tapez { $slug } pour remplacer le jeton.
done-program-new = Le programme { $name } est créé. Son URL de postback est ci-dessous.
done-program-saved = Le programme { $name } est enregistré.
done-program-off = Le programme { $name } est en pause : ses liens mènent à l’adresse de repli, ses conversions sont refusées.
done-program-on = Le programme { $name } reprend.
done-rotated = Le jeton est remplacé ; l’ancien ne vaut plus rien.
done-terms = Le nouveau barème vaut dès maintenant.
pause = Mettre en pause
resume = Reprendre
links-of = Ses liens

## Affiliés
new-affiliate = Nouvel affilié
new-affiliate-title = Un nouvel affilié
filter-affiliates = Chercher par nom ou e-mail
affiliates-none = Aucun affilié ne porte ce nom
affiliates-empty = Pas encore d’affilié
affiliates-empty-text = Un affilié promeut vos programmes et est payé pour ce qui en vient.
field-email = Adresse e-mail
hint-email = Peut rester vide en attendant les comptes.
done-affiliate-new = { $name } peut maintenant avoir des liens.
done-affiliate-saved = { $name } est enregistré.
done-affiliate-off = { $name } est désactivé : ses liens mènent à l’adresse de repli.
done-affiliate-on = { $name } est de nouveau actif.

## Ce qui ne va pas dans un champ
problem-required = Il faut remplir ce champ.
problem-before-from = Le dernier jour est avant le premier.
problem-span = Trois ans au plus à la fois.
problem-too-long = C’est trop long.
problem-too-short = C’est trop court.
problem-control-character = Seulement des caractères visibles.
problem-unknown = Ceci est inconnu ici.
problem-taken = C’est déjà pris.
problem-conflict = Cela ne va pas avec le reste.
problem-invalid-id = Choisissez dans la liste.
problem-invalid-url = Une adresse commence par https:// ou http:// et un hôte, sans macro dedans.
problem-invalid-code = Seulement lettres, chiffres, - et _, 128 au plus.
problem-invalid-slug = Seulement a-z, 0-9 et -, sans - au début.
problem-invalid-email = Comme nom@example.com
problem-invalid-event = Seulement a-z, 0-9, - et _.
problem-invalid-figure = Des chiffres avec une virgule ou un point, comme 5 ou 12,50.
problem-wrong-sign = Le signe dit autre chose que « Paie » et la devise.
problem-invalid-currency = Trois lettres d’ISO 4217, comme EUR.
problem-invalid-time = Une date, comme 2026-11-23.
problem-invalid-days = Un nombre entier de jours, comme 30.
problem-out-of-range = C’est en dehors du possible.
problem-in-the-past = Pas avant maintenant.

## Pages d’erreur
error-404 = Il n’y a rien ici
error-404-text = L’adresse est mal tapée, ou ce qui était ici n’y est plus. La recherche ci-dessus trouve liens, programmes et conversions par n’importe quel identifiant.
error-tls = Une connexion chiffrée est nécessaire
error-tls-text = Sans chiffrement, quelqu’un sur le chemin pourrait lire votre mot de passe. Placez un proxy TLS devant Tributary et nommez-le dans TRIBUTARY_TRUSTED_PROXIES.
error-403 = Cela ne vous est pas permis
error-403-text = La demande venait d’un autre site, ou votre session ne le permet pas. Revenez en arrière et essayez depuis la page elle-même.
error-400 = Cette adresse est illisible
error-400-text = Elle contient quelque chose que cette page ne comprend pas. Recommencez depuis les menus de la page.
error-500 = Quelque chose a cassé de notre côté
error-500-text = Rien de ce que vous avez tapé n’est en cause. C’est écrit dans le journal sous ce numéro :
error-503 = Les nombres sont hors d’atteinte pour l’instant
error-503-text = Une base de données ne répond pas. Les clics sont reçus et gardés pendant ce temps ; cette page reviendra d’elle-même.
error-back = Au tableau de bord

## Mois
month-1 = janv.
month-2 = févr.
month-3 = mars
month-4 = avr.
month-5 = mai
month-6 = juin
month-7 = juil.
month-8 = août
month-9 = sept.
month-10 = oct.
month-11 = nov.
month-12 = déc.

## Comptes
demo-title = Faites un tour
demo-text = Ceci est une démonstration. Chaque compte a le mot de passe « { $password } ».
role-admin = Administration
role-manager = Gestion
role-finance = Finances
role-support = Assistance
role-analyst = Analyse
role-advertiser = Annonceur
role-affiliate = Affilié
setup-title = Bienvenue
setup-text = Cette installation est la vôtre. Créez votre compte : c’est le premier administrateur, et ce lien ne sert qu’une fois.
setup-do = Créer mon compte
field-your-name = Votre nom
field-new-password = Nouveau mot de passe
hint-password = Au moins 12 caractères. Quelques mots sans rapport entre eux sont faciles à retenir et difficiles à deviner.
problem-guessable = C’est facile à deviner. Ajoutez quelques mots sans rapport entre eux.
account-profile = Profil
account-settings = Préférences
account-password = Mot de passe
account-two-factors = Double facteur
account-sessions = Sessions
account-tokens = Jetons
account-security-log = Journal de sécurité
go-on = Continuer
back = Retour
set-up-totp = Configurer une application
done-saved = Enregistré.
field-or-code = Ou un code
second-title = Encore une étape
second-text = Montrez que c’est bien vous : par le code que votre application affiche, ou par votre clé d’accès.
second-wrong = Ce code n’est pas le bon, ou il a déjà servi. Attendez le suivant et saisissez-le.
sign-in-again = Se connecter sous un autre nom
use-passkey = Utiliser une clé d’accès
passkey-failed = Cela n’a pas marché. Réessayez, ou choisissez un autre moyen.
proof-title = Est-ce toujours vous ?
proof-text = La suite change votre façon de vous connecter. Saisissez encore une fois votre mot de passe.
proof-wrong = Ce n’est pas cela. Saisissez-le à nouveau.
profile-who = Vous vous connectez sous { $name } ou { $email }.
field-bio = À propos de vous
hint-bio = Quelques phrases que gestionnaires et annonceurs peuvent lire.
settings-text = Comment les pages se présentent à vous, où que vous vous connectiez.
language-auto = Celle du navigateur
hint-zone = Un nom comme Europe/Paris. Vide : celui du site.
hint-own-currency = Trois lettres, comme EUR. Vide : celle du site.
tell-new-device = M’écrire quand quelqu’un se connecte depuis un nouvel appareil
password-text = Un nouveau mot de passe ne met fin qu’à ce que vous choisissez ci-dessous.
change-password = Changer le mot de passe
end-other-sessions = Me déconnecter partout ailleurs
done-password = Votre mot de passe est changé.
totp = Codes d’une application
totp-text = Une application de votre téléphone affiche un nouveau code toutes les trente secondes. Votre mot de passe seul n’ouvre alors plus rien.
totp-how = Scannez ceci avec une application comme Aegis, 2FAS ou Google Authenticator, puis saisissez le code qu’elle affiche.
totp-typed = Ou saisissez ceci dans l’application
qr-shows = Code QR avec la clé pour votre application
done-totp = Les codes sont activés. Désormais, on vous en demandera un.
done-totp-removed = Les codes sont désactivés.
passkeys = Clés d’accès
passkeys-text = Votre appareil vous connecte par une empreinte, un visage ou son code. Personne ne peut nous voler cela, et cela ne marche qu’à cette adresse.
field-passkey-name = Son nom
hint-passkey-name = Par exemple « Mon portable ».
add-passkey = Ajouter une clé d’accès
done-passkey = La clé d’accès est ajoutée.
done-passkey-removed = La clé d’accès est retirée.
recovery-codes = Codes de secours
recovery-codes-once = Chacun sert une fois quand votre application n’est plus là. Ils s’affichent maintenant et plus jamais : imprimez-les, ou gardez-les avec vos mots de passe.
recovery-codes-left = { $n ->
    [0] Il n’en reste aucun. Créez-en avant d’en avoir besoin.
    [one] Il reste { $count } code.
   *[other] Il reste { $count } codes.
}
new-codes = Créer de nouveaux codes
done-codes = Les codes précédents ne valent plus rien.
copy-all = Tout copier
sessions-text = Les navigateurs où vous êtes connecté. Ce que vous ne connaissez pas, mettez-y fin.
session-sub = { $host } · { $network } · vu { $seen }
this-session = Celle-ci
impersonated = Assistance
end-session = Mettre fin
done-ended = Terminé. Elle est déconnectée dès son prochain clic.
unknown-device = Appareil inconnu
log-text = Tout ce qui est arrivé à votre compte. Personne ne peut le modifier.
log-empty = Rien pour l’instant.
tokens-text = Ce que vos programmes envoient dans l’en-tête Authorization. Un jeton fait ce que vous pouvez faire sur ce site, jusqu’à sa fin.
tokens-empty = Pas encore de jeton.
token-new = Votre nouveau jeton
token-once = Copiez-le maintenant : il s’affiche une fois, et nous n’en gardons que l’empreinte.
make-token = Créer un jeton
make-token-text = Donnez à chaque programme le sien, pour pouvoir en arrêter un seul.
token-writes = Il peut aussi modifier
token-reads = lit
token-reads-writes = lit et modifie
field-token-name = À quoi il sert
hint-token-name = Par exemple « Rapport hebdomadaire ».
field-days = Se termine après
days = { $n ->
    [one] { $count } jour
   *[other] { $count } jours
}
used-last = utilisé { $time }
used-never = jamais utilisé
ends-on = jusqu’au { $time }
ended = terminé
revoke = Révoquer
done-revoked = Le jeton ne vaut plus rien.
event-signed-in = Connexion
event-signed-out = Déconnexion
event-signed-up = Compte créé
event-sign-in-failed = Une connexion a échoué
event-second-factor-failed = Un mauvais code
event-second-factor-limited = Trop de codes
event-recovery-code-used = Un code de secours a servi
event-recovery-codes-made = Codes de secours créés
event-totp-added = Codes d’application activés
event-totp-removed = Codes d’application désactivés
event-passkey-added = Clé d’accès ajoutée
event-passkey-removed = Clé d’accès retirée
event-proved = Identité prouvée à nouveau
event-proof-failed = Une preuve a échoué
event-password-changed = Mot de passe changé
event-profile-changed = Profil modifié
event-session-ended = Une session terminée
event-sessions-ended = Toutes les autres sessions terminées
event-session-elsewhere = Une session présentée à une adresse étrangère
event-token-made = Jeton créé
event-token-revoked = Jeton révoqué
problem-too-many = Il y en a autant qu’il peut y en avoir. Retirez-en un d’abord.
field-factor-code = Code
hint-factor-code = Les six chiffres de votre application, ou l’un de vos codes de secours.
event-refresh-reused = Un jeton de renouvellement a servi deux fois, sa session est terminée
event-email-confirmed = Adresse confirmée
event-reset-asked = Un nouveau mot de passe a été demandé
event-password-reset = Mot de passe changé par un lien reçu
sign-up = Créer un compte
sign-up-text = Faites connaître des programmes par vos propres liens et voyez ce que chacun rapporte.
sign-up-closed = Ce site accueille sur invitation. Demandez à la personne qui vous en a parlé.
have-account = J’ai un compte
forgot-password = Mot de passe oublié ?
confirm = Confirmer
confirm-title = Confirmez votre adresse
confirm-sent = Si l’adresse est nouvelle ici, un message est en route. Ouvrez son lien, ou saisissez son code. Rien ? Regardez parmi les indésirables.
confirm-own = Un clic, et { $email } est à vous ici.
confirm-foreign = Ce lien a été demandé dans un autre navigateur. Pour que { $email } soit à vous ici, saisissez le mot de passe choisi là-bas. Vous n’avez rien demandé ? Fermez cette page, rien ne se passe.
confirm-password-wrong = Ce n’est pas le mot de passe choisi. Saisissez-le à nouveau, ou recréez le compte.
field-mailed-code = Code du message
mailed-code-wrong = Ce code n’est pas le bon, ou il est trop ancien. Prenez celui du dernier message.
reset-title = Un nouveau mot de passe
reset-text = Saisissez votre adresse : un lien pour choisir un nouveau mot de passe arrive par e-mail.
reset-do = Envoyer le lien
reset-sent = Si un compte a cette adresse, un message est en route. Son lien vaut une heure, une seule fois.
reset-new = Choisissez un nouveau mot de passe. Vous serez alors déconnecté partout.
mail-hello = Bonjour { $name },
mail-footer = Vous recevez ce message à cause de votre compte chez { $site }. Personne de chez nous ne demande jamais votre mot de passe.
mail-confirm-subject = Confirmez votre adresse chez { $site }
mail-confirm-text = cliquez pour confirmer que cette adresse est la vôtre, ou saisissez le code là où vous avez créé le compte. Les deux valent une heure. Vous n’avez rien créé ? Ne faites rien.
mail-confirm-button = Confirmer l’adresse
mail-already-subject = Vous avez déjà un compte chez { $site }
mail-already-text = quelqu’un, sans doute vous, a voulu créer un compte avec cette adresse. Il y en a un, connectez-vous. Si vous ne connaissez plus le mot de passe, choisissez-en un nouveau.
mail-already-button = Choisir un nouveau mot de passe
mail-reset-subject = Un nouveau mot de passe pour { $site }
mail-reset-text = cliquez pour choisir un nouveau mot de passe. Le lien vaut une heure, une seule fois. Vous n’avez rien demandé ? Ne faites rien, votre mot de passe reste le même.
mail-reset-button = Choisir un nouveau mot de passe
mail-password-changed-subject = Votre mot de passe chez { $site } a été changé
mail-password-changed-text = votre mot de passe vient d’être changé. Si ce n’était pas vous, demandez-en un nouveau tout de suite.
mail-new-device-subject = Une nouvelle connexion chez { $site }
mail-new-device-text = quelqu’un s’est connecté à votre compte le { $when } (UTC), depuis le réseau { $network }, avec { $device }. Si c’était vous, il n’y a rien à faire.
mail-factors-changed-subject = Votre façon de vous connecter chez { $site } a changé
mail-factors-changed-text = ceci vient de changer : { $what }. Si ce n’était pas vous, choisissez tout de suite un nouveau mot de passe.
mail-log-button = Voir ce qui s’est passé
demo-mail = Lire les messages envoyés
mail-title = Messages
mail-text = Une démonstration n’a pas de serveur de messagerie, ce qu’elle enverrait se trouve ici.
mail-empty = Rien n’a encore été envoyé.
