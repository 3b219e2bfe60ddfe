# What the pages say in English. The same keys, with the same variables, stand in fr.ftl.

## Shell
skip = Skip to the content
search = Search
search-hint = Search links, programs, conversions by any id
nav = Pages
nav-dashboard = Dashboard
nav-stats = Statistics
nav-links = Links
nav-clicks = Clicks
nav-conversions = Conversions
nav-commissions = Commissions
nav-programs = Programs
nav-affiliates = Affiliates
menu-own = Language and theme
language = Language
theme = Theme
theme-auto = As the system
theme-light = Light
theme-dark = Dark
keys = Keys
keys-search = search
sign-in = Sign in
sign-out = Sign out
styleguide = Styleguide
pages = More rows
pager-first = From the top
pager-next = Further
undo = Undo
save = Save
cancel = Cancel
edit = Edit
copy = Copy
copied = Copied
details = Details
remove = Remove
show = Show
export-csv = Export CSV

## Signing in
field-login = Email or user name
field-password = Password
remember-me = Stay signed in on this device
signed-out = You are signed out.
sign-in-wrong = No account has this name with this password. Type both again, or ask for a new password.
sign-in-unconfirmed = Your address is not confirmed yet. We have sent you the link again: open it, then sign in.
done-password-reset = Your password is changed, and you are signed out everywhere. Sign in with the new one.
error-forbidden = This is not for you
error-forbidden-text = Your role on this site does not open this page. The site’s admin can change that.
error-step-up = One more step
error-step-up-text = This page needs a second factor. Set one up under your account, then sign in again.
error-429 = Too many tries
error-429-text = Wait a little, then try again. If it was not you, change your password.

## Range and freshness
range = Range
preset-today = Today
preset-yesterday = Yesterday
preset-7d = Last 7 days
preset-30d = Last 30 days
preset-90d = Last 90 days
preset-month = This month
preset-last-month = Last month
preset-year = This year
from = From
to = To
zone = Time zone
compare = Compare with
compare-none = Nothing
compare-previous = Period before
compare-year = Year before
as-of = as of { $time }
as-of-live = live, as of { $time }
as-of-filling = still filling, as of { $time }
as-of-hint = Everything that reached the collector before this moment is counted.
as-of-filling-hint = Events from before this moment are still being counted: the numbers will grow.
as-of-away = numbers delayed
as-of-away-hint = The store of the numbers does not answer now. Clicks are taken and kept: nothing is lost.
as-of-no-collector = No collector is declared.
as-of-unheard = Not heard of yet: { $who }.
as-of-unknown = nothing counted yet
expired = without events before { $time }
expired-hint = Events of before have expired: their sums by day are kept, and this question needs more than those.

## Numbers
metric-clicks = Clicks
metric-uniques = Unique
metric-duplicates = Duplicate
metric-invalid = Invalid
metric-conversions = Conversions
metric-refused = Refused
metric-cvr = Conversion rate
metric-epc = Per click
metric-amount = Sales
metric-commission = Commission
metric-commissions = Commissions
share = Share
change-more = { $share } more
change-less = { $share } less
change-same = no change
change-new = new
change-before = before: { $number }
clicks-counted = { $n ->
    [one] { $count } click
   *[other] { $count } clicks
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
all = All
refused-counted = { $n ->
    [one] { $count } refused
   *[other] { $count } refused
}
rows-shown = { $n ->
    [one] { $count } row
   *[other] { $count } rows
}
more-than-shown = The first { $count } rows; the sums below count all of them.
note-of-clicks = { $share } of all clicks
note-cvr = { $share } of valid clicks
total = Total
others = Others
unknown = Unknown
none = None
nothing-range = Nothing in this range.
nothing-invalid = No invalid click in this range.
nothing-refused = No refused conversion in this range.

## Chart
chart-clicks = Clicks over time
chart-table = The same as a table
chart-none = These filters are of conversions; a click has none of them.
chart-open = still filling

## Dimensions
dim-time = Time
dim-minute = Minute
dim-hour = Hour
dim-day = Day
dim-week = Week
dim-month = Month
dim-program = Program
dim-link = Link
dim-affiliate = Affiliate
dim-country = Country
dim-region = Region
dim-city = City
dim-device = Device
dim-os = System
dim-browser = Browser
dim-language = Language
dim-referrer = Referrer
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
dim-event = Event
dim-outcome = Outcome
dim-status = Status
dim-via = Came by
dim-currency = Currency
dim-reason = Why invalid
dim-refusal = Why refused
by-programs = Programs
by-links = Links
by-affiliates = Affiliates
by-countries = Countries
by-devices = Devices
by-referrers = Referrers
by-reasons = Why clicks are invalid
by-refusals = Why conversions are refused
no-such-code = Unknown codes
no-link = Without a link
direct = Direct, or not told

## States
state-unique = Unique
state-duplicate = Duplicate
state-invalid = Invalid
state-accepted = Accepted
state-refused = Refused
state-pending = Pending
state-approved = Approved
state-rejected = Rejected
state-hold = On hold
state-processed = Processed
state-paid = Paid
state-refunded = Refunded
state-fraud = Fraud
state-canceled = Canceled
state-active = Active
state-paused = Paused
state-on = On
state-off = Off
state-expired = Expired

## Reasons (schemas::reason), as sentences a person can act on
reason-orphan = No link has this code
reason-malformed = Unreadable request
reason-expired = The link had expired
reason-disabled = The link was switched off
reason-blocked = Blocked by the program
reason-prefetch = A browser fetching ahead
reason-bot = A known robot
reason-datacenter = From a data center
reason-proxy = Through an open proxy
reason-velocity = Too many in a short time
reason-cap = Over a cap
refusal-malformed = Unreadable request
refusal-unknown-program = Neither program nor click named
refusal-bad-token = Token missing or wrong
refusal-ip-not-allowed = Address not allowed
refusal-bad-click-id = Not a click id of ours
refusal-bad-amount = Amount or currency is no money
refusal-unknown-event = The program has no such event
refusal-program-paused = The program is paused
refusal-unknown-click = No click
refusal-click-unresolved = The click is in the dead letters
refusal-wrong-program = The click is another program’s
refusal-click-blocked = The click was blocked
refusal-window-expired = After the click window
refusal-too-fast = Too soon after the click
refusal-velocity = Too many in a short time
refusal-blocked-geo = Country not taken
refusal-cap = Over a cap
refusal-duplicate-txn = This transaction already counts
via-postback = Postback
via-pixel = Pixel
via-script = Script
via-api = API
via-import = Import
device-desktop = Computer
device-mobile = Phone
device-phone = Phone
device-smartphone = Phone
device-mobilephone = Feature phone
device-tablet = Tablet
device-bot = Robot
device-crawler = Robot
device-appliance = Appliance
device-tv = TV
device-other = Other

## Dashboard
dashboard-empty = No click yet
dashboard-empty-text = As soon as a visitor follows one of your links, this page shows it, a second later. Open this one to see it happen:
dashboard-start = Three steps to the first click
start-program = Make a program
start-program-text = What is promoted: where visitors go and what a sale pays.
start-affiliate = Add an affiliate
start-affiliate-text = Who promotes it and is paid.
start-link = Make a link
start-link-text = The affiliate’s own address. Every click on it is counted.

## Statistics
group-by = Group by
group-more = More dimensions
filter-add = Add a filter
filter-value = Value
filter-is = is
filter-not = is not

## Clicks
clicks-empty = No click here
clicks-empty-text = In this range, under these filters, nothing was counted. Every click is stored with its outcome, also what does not count.
click-id = Click id

## Links
new-link = New link
new-link-title = A new link
tracking-url = Tracking URL
links-empty = No link here
empty-links = No link yet
empty-links-text = A link is an affiliate’s own address for a program. Every click on it is counted, and so is what comes of it.
field-code = Code
hint-code = Letters, digits, - and _. Left empty, one is made up.
field-destination = Destination
hint-destination = Where visitors go. Left empty, the program’s. Macros: {"{click_id} {link} {affiliate_id} {sub1}"}
field-program = Program
field-affiliate = Affiliate
field-expires = Expires
hint-expires = Left empty, never.
hint-more-choices = The newest 500 are listed. An older one is found by the search above.
any = Any
filter-links = Find by code or destination
switch-off = Switch off
switch-on = Switch on
done-link-new = The link { $name } works now.
done-link-saved = The link { $name } is saved.
done-link-off = The link { $name } is off: visitors go to the fallback.
done-link-on = The link { $name } is on again.
warning-unknown-macro = Unknown macro {"{"}{ $name }{"}"}: it will be empty.
by-on-for = { $affiliate } for { $program }

## Conversions
conversions-empty = No conversion here
conversions-empty-text = A conversion comes by the program’s postback URL. Refused ones are stored too, with their reason.
conversions-copy = Copy the postback URL from a program’s page.
find-conversion = Transaction id, click id, receipt or cnv_…
find-nothing = Nothing has the id { $id }.
txn-id = Transaction
event = Event
receipt = Receipt
when = When
status = Status
amount = Amount
commission = Commission
conversion = Conversion
click-delayed = The click cannot be shown now: the store of the numbers does not answer. Ask again in a few seconds.
money-lines = Money
account = Account
debit = Debit
credit = Credit
told-click = Click on a link
told-impression = Impression
told-conversion = Conversion reported
told-attributed = Given to the click
told-refused = Refused
told-commission = Commission accrued
told-hold = Can be released
told-later = { $time } later
trace-raw = The whole trace
fact-rules = Rules, version
fact-window = Click window
fact-plan = Plan
fact-via = Came by
fact-trusted = Proven by the program
fact-elapsed = Click to conversion
fact-reason = Reason
fact-signals = Signals
yes = yes
no = no

## Commissions
commissions-empty = No commission here
commissions-empty-text = A commission accrues with each accepted conversion that its program’s plan pays for.
release-from = On hold until

## Programs
new-program = New program
new-program-title = A new program
filter-programs = Find by name
programs-none = No program has this name
programs-empty = No program yet
programs-empty-text = A program is what is promoted: where visitors go, which events count, and what each pays.
field-name = Name
field-slug = Short name
hint-slug = In URLs: a-z, 0-9 and -. Left empty, made from the name.
hint-program-destination = Where visitors go. Put {"{click_id}"} where your shop keeps it, as in https://shop.example/?cid={"{click_id}"}
field-currency = Currency
field-window = Click window, in days
hint-window = A conversion counts up to this long after its click.
field-hold = Hold, in days
hint-hold = A commission can be released this long after its event.
terms = What it pays
terms-text = One line an event. A new line with the same event replaces the terms from now on; what was earned before stays as it was.
field-event = Event
hint-event = As the shop names it: sale, lead, signup
field-pays = Pays
pays-percent = a share of the amount
pays-flat = a fixed amount
pays-none = nothing, only counts
field-figure = How much
hint-figure = 5 for 5%, or 12.50 for a fixed amount.
add-terms = Add terms
pays-nothing = Pays nothing
pays-each = { $amount } each
pays-share = { $share } of the amount
since = since { $time }
from-the-start = from the start
postback = Postback
postback-text = Give this URL to whoever runs the shop. Its server calls it once for every conversion; click_id is what the link put into the destination.
postback-url = Postback URL
postback-token = Token
postback-test = Try it from a terminal
rotate = New token
rotate-text = The earlier token stops working within a second: the shop’s server needs the new one.
rotate-confirm = To replace the token, type the program’s short name: { $slug }
rotate-wrong = Type { $slug } to replace the token.
done-program-new = The program { $name } is there. Its postback URL stands below.
done-program-saved = The program { $name } is saved.
done-program-off = The program { $name } is paused: its links go to the fallback, its conversions are refused.
done-program-on = The program { $name } runs again.
done-rotated = The token is replaced; the earlier one is worthless.
done-terms = The new terms hold from now on.
pause = Pause
resume = Resume
links-of = Its links

## Affiliates
new-affiliate = New affiliate
new-affiliate-title = A new affiliate
filter-affiliates = Find by name or e-mail
affiliates-none = No affiliate has this name
affiliates-empty = No affiliate yet
affiliates-empty-text = An affiliate promotes your programs and is paid for what comes of it.
field-email = E-mail
hint-email = May stay empty until accounts exist.
done-affiliate-new = { $name } can have links now.
done-affiliate-saved = { $name } is saved.
done-affiliate-off = { $name } is off: their links go to the fallback.
done-affiliate-on = { $name } is on again.

## What is wrong with a field
problem-required = Something must stand here.
problem-before-from = The last day is before the first.
problem-span = At most three years at once.
problem-too-long = This is too long.
problem-too-short = This is too short.
problem-control-character = Only characters that can be seen.
problem-unknown = This is not known here.
problem-taken = This is taken already.
problem-conflict = This does not go with the rest.
problem-invalid-id = Choose one of the list.
problem-invalid-url = An address begins with https:// or http:// and a host, with no macro in it.
problem-invalid-code = Only letters, digits, - and _, at most 128.
problem-invalid-slug = Only a-z, 0-9 and -, and no - at the front.
problem-invalid-email = As name@example.com
problem-invalid-event = Only a-z, 0-9, - and _.
problem-invalid-figure = Digits with a point or comma, such as 5 or 12.50.
problem-wrong-sign = The sign says something else than “Pays” and the currency.
problem-invalid-currency = Three letters of ISO 4217, such as EUR.
problem-invalid-time = A date, such as 2026-11-23.
problem-invalid-days = A whole number of days, such as 30.
problem-out-of-range = This is outside of what is possible.
problem-in-the-past = Not before now.

## Error pages
error-404 = Nothing is here
error-404-text = The address is mistyped, or what was here is gone. The search above finds links, programs and conversions by any id.
error-tls = Put TLS in front
error-tls-text = Over plain HTTP somebody on the way could read your password. Put a proxy with TLS in front of Tributary and name it in TRIBUTARY_TRUSTED_PROXIES.
error-403 = This is not for you to do
error-403-text = The request came from another site, or your session may not do this. Go back and try it from the page itself.
error-400 = This address cannot be read
error-400-text = Something in it is not what this page understands. Begin again from the page’s own menus.
error-500 = Something broke on our side
error-500-text = Nothing you typed is at fault. It is written in the log under this number:
error-503 = The numbers cannot be reached now
error-503-text = A database does not answer. Clicks are taken and kept all the while; this page comes back by itself.
error-back = To the dashboard

## Months
month-1 = Jan
month-2 = Feb
month-3 = Mar
month-4 = Apr
month-5 = May
month-6 = Jun
month-7 = Jul
month-8 = Aug
month-9 = Sep
month-10 = Oct
month-11 = Nov
month-12 = Dec

## Accounts
demo-title = Look around
demo-text = This is a demonstration. Each account has the password “{ $password }”.
role-admin = Admin
role-manager = Manager
role-finance = Finance
role-support = Support
role-analyst = Analyst
role-advertiser = Advertiser
role-affiliate = Affiliate
setup-title = Welcome
setup-text = You run this installation. Make your account: it is the first admin, and this link works once.
setup-do = Make my account
field-your-name = Your name
field-new-password = New password
hint-password = At least 12 characters. A few words that do not belong together are easy to keep and hard to guess.
problem-guessable = This is easily guessed. Add a few words that do not belong together.
account-profile = Profile
account-settings = Settings
account-password = Password
account-two-factors = Two factors
account-sessions = Sessions
account-tokens = Tokens
account-security-log = Security log
go-on = Go on
back = Back
set-up-totp = Set up an app
done-saved = Saved.
field-or-code = Or a code
second-title = One more step
second-text = Show that it is you: with the code your app shows now, or with your passkey.
second-wrong = This code is not right, or it was used already. Wait for the next one and type it.
sign-in-again = Sign in as somebody else
use-passkey = Use a passkey
passkey-failed = That did not work. Try again, or use another way.
proof-title = Is it still you?
proof-text = What comes next changes how you sign in. Type your password once more.
proof-wrong = That is not right. Type it again.
profile-who = You sign in as { $name } or { $email }.
field-bio = About you
hint-bio = A few sentences that managers and advertisers may read.
settings-text = How pages look to you, wherever you sign in.
language-auto = As the browser asks for
hint-zone = A name such as Europe/Paris. Empty: the site’s.
hint-own-currency = Three letters, such as EUR. Empty: the site’s.
tell-new-device = Tell me by mail when somebody signs in from a new device
password-text = A new password ends nothing but what you choose below.
change-password = Change the password
end-other-sessions = Sign out everywhere else
done-password = Your password is changed.
totp = Codes of an app
totp-text = An app on your phone shows a new code every thirty seconds. Nobody signs in with your password alone then.
totp-how = Scan this with an app such as Aegis, 2FAS or Google Authenticator, then type the code it shows.
totp-typed = Or type this into the app
qr-shows = QR code with the key for your app
done-totp = Codes are switched on. From now on you are asked for one.
done-totp-removed = Codes are switched off.
passkeys = Passkeys
passkeys-text = Your device signs you in with a fingerprint, a face or its PIN. Nobody can steal that from us, and it works at this address alone.
field-passkey-name = Its name
hint-passkey-name = Such as “My laptop”.
add-passkey = Add a passkey
done-passkey = The passkey is added.
done-passkey-removed = The passkey is removed.
recovery-codes = Recovery codes
recovery-codes-once = Each of these works once when your app is gone. They are shown now and never again: print them, or keep them with your passwords.
recovery-codes-left = { $n ->
    [0] None is left. Make new ones before you need them.
    [one] { $count } code is left.
   *[other] { $count } codes are left.
}
new-codes = Make new codes
done-codes = The earlier codes are worthless.
copy-all = Copy all
sessions-text = Browsers in which you are signed in. What you do not know, end.
session-sub = { $host } · { $network } · seen { $seen }
this-session = This one
impersonated = Support
end-session = End
done-ended = Ended. It is signed out with its next click.
unknown-device = Unknown device
log-text = Everything that happened to your account. Nobody can change it.
log-empty = Nothing yet.
tokens-text = What your programs send in the header Authorization. A token does what you may do on this site, until it ends.
tokens-empty = No token yet.
token-new = Your new token
token-once = Copy it now: it is shown once, and we keep only its fingerprint.
make-token = Make a token
make-token-text = Give each program its own, so that you can end one alone.
token-writes = It may change things, too
token-reads = reads
token-reads-writes = reads and changes
field-token-name = What it is for
hint-token-name = Such as “Weekly report”.
field-days = Ends after
days = { $n ->
    [one] { $count } day
   *[other] { $count } days
}
used-last = used { $time }
used-never = never used
ends-on = ends { $time }
ended = ended
revoke = Revoke
done-revoked = The token is worthless from now on.
event-signed-in = Signed in
event-signed-out = Signed out
event-signed-up = Account made
event-sign-in-failed = A sign-in failed
event-second-factor-failed = A wrong code
event-second-factor-limited = Too many codes
event-recovery-code-used = A recovery code was used
event-recovery-codes-made = Recovery codes made
event-totp-added = Codes of an app switched on
event-totp-removed = Codes of an app switched off
event-passkey-added = A passkey added
event-passkey-removed = A passkey removed
event-proved = Proved once more
event-proof-failed = A proof failed
event-password-changed = Password changed
event-profile-changed = Profile changed
event-session-ended = A session ended
event-sessions-ended = All other sessions ended
event-session-elsewhere = A session was shown at a foreign address
event-token-made = A token made
event-token-revoked = A token revoked
problem-too-many = There are as many as there may be. Remove one first.
field-factor-code = Code
hint-factor-code = The six figures of your app, or one of your recovery codes.
event-refresh-reused = A refresh token was shown twice: its session ended
event-email-confirmed = Address confirmed
event-reset-asked = A new password was asked for
event-password-reset = Password changed by a mailed link
sign-up = Make an account
sign-up-text = Promote programs with links of your own and see what each earns.
sign-up-closed = This site takes new people by invitation. Ask whoever told you about it.
have-account = I have an account
forgot-password = Forgot your password?
confirm = Confirm
confirm-title = Confirm your address
confirm-sent = If the address is new here, a mail is on its way to it. Open its link, or type its code. Nothing there? Look among the unwanted mail.
confirm-own = Press the button, and { $email } is yours here.
confirm-foreign = This link was asked for in another browser. To make { $email } yours here, type the password you chose there. You asked for nothing? Close this page: nothing happens.
confirm-password-wrong = That is not the password that was chosen. Type it again, or make the account anew.
field-mailed-code = Code of the mail
mailed-code-wrong = This code is not right, or it is too old. Look at the latest mail.
reset-title = A new password
reset-text = Type your address: a link that lets you choose a new password comes by mail.
reset-do = Send the link
reset-sent = If an account has this address, a mail is on its way to it. Its link is good for an hour, once.
reset-new = Choose a new password. You are then signed out everywhere.
mail-hello = Hello { $name },
mail-footer = You get this mail because of your account at { $site }. Nobody of us ever asks for your password.
mail-confirm-subject = Confirm your address at { $site }
mail-confirm-text = press the button to confirm that this address is yours, or type the code where you made the account. Both are good for an hour. You made none? Then do nothing.
mail-confirm-button = Confirm the address
mail-already-subject = You have an account at { $site } already
mail-already-text = somebody, most likely you, wanted to make an account with this address. There is one: sign in with it. If you no longer know the password, choose a new one.
mail-already-button = Choose a new password
mail-reset-subject = A new password for { $site }
mail-reset-text = press the button to choose a new password. The link is good for an hour, once. You asked for none? Then do nothing: your password stays as it is.
mail-reset-button = Choose a new password
mail-password-changed-subject = Your password at { $site } was changed
mail-password-changed-text = your password was changed just now. If that was not you, ask for a new one at once.
mail-new-device-subject = A new sign-in at { $site }
mail-new-device-text = somebody signed in to your account on { $when } (UTC), from the network { $network }, with { $device }. If that was you, there is nothing to do.
mail-factors-changed-subject = How you sign in at { $site } was changed
mail-factors-changed-text = this was changed just now: { $what }. If that was not you, choose a new password at once.
mail-log-button = Look at what happened
demo-mail = Read the mail that was sent
mail-title = Mail
mail-text = A demonstration has no mail server: what it would send lies here.
mail-empty = Nothing was sent yet.
