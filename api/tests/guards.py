#!/usr/bin/env python3
"""Takes each guard out of the code, one at a time, and asks the tests: every one of them has to be missed.

Run by `make guards` in a clean work tree with stores in the environment (TRIBUTARY_TEST_…); it takes a quarter of an
hour. Prints for each guard the row or the test that turned red, and fails where none did."""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
ALL = "&[Admin, Manager, Finance, Support, Analyst, Advertiser, Affiliate]"

# What it guards, the file, what stands there, what stands there without it, the tests to ask.
GUARDS = [
    ("the role's table", "api/src/auth/viewer.rs", "self.role.filter(|role| role.may(what))", "self.role.filter(|_| what.roles().len() < 99)", "matrix"),
    ("reading tokens and eyes change nothing", "api/src/auth/viewer.rs", "if what.changes() && reads_only {", "if what.changes() && reads_only && false {", "matrix"),
    ("two factors of who can change most", "api/src/auth/viewer.rs", "match self.wants_two_factors && ", "match false && self.wants_two_factors && ", "matrix"),
    ("a suspended member is none", "migrations/postgres/0024_create_sign_in.sql", "LEFT JOIN accounts_membership m ON m.site_id = at_site AND m.user_id = s.user_id AND m.is_active", "LEFT JOIN accounts_membership m ON m.site_id = at_site AND m.user_id = s.user_id", "matrix"),
    ("a member of another site is none here", "migrations/postgres/0024_create_sign_in.sql", "LEFT JOIN accounts_membership m ON m.site_id = at_site AND m.user_id", "LEFT JOIN accounts_membership m ON m.user_id", "matrix"),
    ("a token opens no page of its owner", "api/src/auth.rs", "        Some(_) if may_here => next.run(request).await,\n        _ =>", "        _ if may_here => next.run(request).await,\n        _ =>", "matrix"),
    ("eyes see no secret of their owner", "api/src/auth.rs", "let may_here = !viewer.is_impersonated() ||", "let may_here = true ||", "matrix"),
    ("sessions are listed to themselves", "api/src/json/auth.rs", "viewer.session().filter(|_| !viewer.is_impersonated()).ok_or(Error::Forbidden)", "Ok(viewer.session().unwrap_or_default())", "matrix"),
    ("who changes links", "api/src/accounts/role.rs", "Self::ChangeLinks | Self::JoinPrograms => &[Admin, Manager, Affiliate]", f"Self::ChangeLinks | Self::JoinPrograms => {ALL}", "matrix"),
    ("who changes programs and affiliates", "api/src/accounts/role.rs", "Self::ChangePrograms | Self::ChangeAffiliates => &[Admin, Manager]", f"Self::ChangePrograms | Self::ChangeAffiliates => {ALL}", "matrix"),
    ("who sees affiliates", "api/src/accounts/role.rs", "Self::SeeAffiliates => &[Admin, Manager, Finance, Support, Analyst]", f"Self::SeeAffiliates => {ALL}", "matrix"),
    ("who sees people and looks through eyes", "api/src/accounts/role.rs", "Self::SeePeople | Self::Impersonate => &[Admin, Support]", f"Self::SeePeople | Self::Impersonate => {ALL}", "matrix"),
    ("who changes people and reads the audit log", "api/src/accounts/role.rs", "Self::ChangePeople | Self::SeeAudit => &[Admin]", f"Self::ChangePeople | Self::SeeAudit => {ALL}", "matrix"),
    ("an affiliate reaches its own rows", "migrations/postgres/0023_keep_sites_apart.sql", "SELECT keep_sites_apart('affiliate_affiliatelink', 'site_id', 'program_id', 'affiliate_id');", "SELECT keep_sites_apart('affiliate_affiliatelink', 'site_id', 'program_id');", "matrix"),
    ("a route of a site names what it takes", "api/src/routes.rs", '.route("/api/v1/affiliate/stats/", see(SeeNumbers, get(stats::report)))', '.route("/api/v1/affiliate/stats/", get(stats::report))', "matrix"),
    ("own pages want somebody", "api/src/routes.rs", "pages::own_routes().route_layer(from_fn(auth::signed_in))", "pages::own_routes()", "matrix"),
    ("the API of one's own account wants somebody", "api/src/routes.rs", "        .route_layer(from_fn(auth::known));", "        ;", "matrix"),
    ("a session counts at its own host", "migrations/postgres/0024_create_sign_in.sql", "WHERE s.token_hash = hash AND s.host = at_host", "WHERE s.token_hash = hash", "auth"),
    ("a fresh proof before what lets somebody in", "api/src/pages/accounts.rs", "        .route_layer(from_fn(auth::proved));\n    Router::new()\n        .route(\"/accounts/logout/\"", "        ;\n    Router::new()\n        .route(\"/accounts/logout/\"", "factors"),
    ("a fresh proof before people are changed", "api/src/pages/accounts.rs", "may(app, what, routes.route_layer(from_fn(auth::proved)))", "may(app, what, routes)", "people"),
    ("a cookie changes nothing without saying from where", "api/src/auth.rs", "        return Err(Error::CrossSite);", "        tracing::trace!(\"let in\");", "guarded"),
    ("row-level security of a site", "migrations/postgres/0023_keep_sites_apart.sql", "rule text := format('%I = (SELECT app_site())', site);", "rule text := format('(%I > 0 OR (SELECT app_site()) IS NULL)', site);", "tenants"),
    ("filters of ClickHouse within a viewer's reach", "api/src/tenant.rs", "        all.extend(self.reach.filters());", "", "tenants"),
]


def red(tests):
    """The first row or test that is red, or None."""
    command = ["cargo", "test", "--quiet", "--locked", "-p", "api", "--test", "it", "--", f"{tests}::"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    text = done.stdout + done.stderr
    if done.returncode == 0:
        return None
    if "test result: FAILED" not in text:
        sys.exit(f"does not build:\n{text[-3000:]}")
    row = re.search(r"the table says (\S+)", text)
    test = re.search(r"---- (\S+) stdout", text)
    return row.group(1)[:100] if row else test.group(1)


def main():
    missed = 0
    for what, name, guard, without, tests in GUARDS:
        path = ROOT / name
        whole = path.read_text()
        if whole.count(guard) != 1:
            sys.exit(f"{what}: it stands {whole.count(guard)} times in {name}")
        path.write_text(whole.replace(guard, without))
        try:
            found = red(tests)
        finally:
            path.write_text(whole)
        missed += found is None
        print(f"{'missed' if found is None else 'red':7} {what}: {found or 'nothing noticed'}", flush=True)
    print(f"{len(GUARDS) - missed} of {len(GUARDS)} guards are missed by a test when they are gone")
    sys.exit(missed > 0)


main()
