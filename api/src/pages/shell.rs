//! The shell around every page: navigation, search, language and theme, the toast.

use super::{
    assets,
    parts::{Toast, part},
};
use crate::{accounts::role::Permission, auth::Viewer, i18n::Text};
use askama::Template;

/// What stands around a page's own content.
pub(crate) struct Shell {
    /// The voice of the page.
    pub t: Text,
    /// `light`, `dark`, or empty for what the system prefers.
    pub theme: &'static str,
    /// The site's name.
    pub site: String,
    /// The page's title, before the site's name.
    pub title: String,
    /// Where the static files of this build lie.
    pub assets: &'static str,
    /// Where the page belongs in the navigation.
    pub here: Here,
    /// This page's own URL, to come back to from a form.
    pub back: String,
    /// What stands in the search field.
    pub query: String,
    /// Who reads; nobody sees no navigation.
    pub viewer: Option<Viewer>,
    /// The result of the person's last act.
    pub toast: Option<Toast>,
}

/// The pages of the navigation, in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Here {
    /// `/dashboard/`
    Dashboard,
    /// `/affiliate/stats/`
    Stats,
    /// `/affiliate/links/`
    Links,
    /// `/affiliate/conversions/`
    Conversions,
    /// `/affiliate/commissions/`
    Commissions,
    /// `/affiliate/programs/`
    Programs,
    /// `/affiliate/affiliates/`
    Affiliates,
    /// `/accounts/people/`
    People,
    /// `/accounts/audit/`
    Audit,
    /// A page outside the navigation.
    Elsewhere,
}

/// A line of the navigation.
pub(crate) struct Item {
    /// Its name.
    pub label: String,
    /// Where it leads.
    pub href: &'static str,
    /// Its sign.
    pub icon: Icon,
    /// The page is below it.
    pub here: bool,
}

/// A sign of 20 × 20, drawn by one stroke.
#[derive(Template)]
#[template(path = "parts/icon.html")]
pub(crate) struct Icon {
    path: &'static str,
}

impl Shell {
    /// The shell of a page, with the files of this build.
    pub(crate) fn new(t: Text, here: Here, title: String) -> Self {
        Self {
            t,
            theme: "",
            site: "Tributary".to_owned(),
            title,
            assets: assets::root(),
            here,
            back: "/dashboard/".to_owned(),
            query: String::new(),
            viewer: None,
            toast: None,
        }
    }

    /// Whether whoever reads may do something: what they may not is not offered.
    pub(crate) fn may(&self, what: Permission) -> bool {
        self.viewer.as_ref().is_some_and(|viewer| viewer.may(what).is_ok())
    }

    /// Links may be made and changed.
    pub(crate) fn changes_links(&self) -> bool {
        self.may(Permission::ChangeLinks)
    }

    /// Programs may be made and changed.
    pub(crate) fn changes_programs(&self) -> bool {
        self.may(Permission::ChangePrograms)
    }

    /// Affiliates may be made and changed.
    pub(crate) fn changes_affiliates(&self) -> bool {
        self.may(Permission::ChangeAffiliates)
    }

    /// Who promotes what is shown.
    pub(crate) fn sees_enrolments(&self) -> bool {
        self.may(Permission::SeeEnrolments)
    }

    /// People may be made something else.
    pub(crate) fn changes_people(&self) -> bool {
        self.may(Permission::ChangePeople)
    }

    /// Somebody's eyes may be looked through.
    pub(crate) fn impersonates(&self) -> bool {
        self.may(Permission::Impersonate)
    }

    /// How an advertiser's server calls is shown.
    pub(crate) fn sees_postbacks(&self) -> bool {
        self.may(Permission::SeePostbacks)
    }

    /// The navigation as this page shows it.
    pub(crate) fn nav(&self) -> Vec<Item> {
        PLACES
            .iter()
            .filter(|(.., what)| self.may(*what))
            .map(|(place, key, href, path, _)| Item {
                label: self.t.say(key),
                href,
                icon: Icon { path },
                here: *place == self.here,
            })
            .collect()
    }
}

const PLACES: [(Here, &str, &str, &str, Permission); 9] = [
    (
        Here::Dashboard,
        "nav-dashboard",
        "/dashboard/",
        "M3 11 10 4l7 7M5 9.5V16h10V9.5",
        Permission::SeeNumbers,
    ),
    (
        Here::Stats,
        "nav-stats",
        "/affiliate/stats/",
        "M3 16.5h14M5.5 13V9M10 13V4m4.5 9V7",
        Permission::SeeNumbers,
    ),
    (
        Here::Links,
        "nav-links",
        "/affiliate/links/",
        "M8.5 11.5a3 3 0 0 0 4.3 0l2.4-2.4a3 3 0 0 0-4.3-4.3L9.8 6m1.7 2.5a3 3 0 0 0-4.3 0l-2.4 2.4a3 3 0 0 0 4.3 4.3l1.1-1.2",
        Permission::SeeLinks,
    ),
    (
        Here::Conversions,
        "nav-conversions",
        "/affiliate/conversions/",
        "M3.5 10.5 8 15l8.5-10",
        Permission::SeeConversions,
    ),
    (
        Here::Commissions,
        "nav-commissions",
        "/affiliate/commissions/",
        "M14 6.2A4.6 4.6 0 0 0 6 9.9c0 3.3 1.9 5.1 4.5 5.1 1.4 0 2.6-.5 3.5-1.400M3.8 8.900h6.700M3.8 11.400h6",
        Permission::SeeCommissions,
    ),
    (
        Here::Programs,
        "nav-programs",
        "/affiliate/programs/",
        "M4 4.500h12v11H4zM4 8h12M8 8v7.5",
        Permission::SeePrograms,
    ),
    (
        Here::Affiliates,
        "nav-affiliates",
        "/affiliate/affiliates/",
        "M7.5 9.500a2.7 2.7 0 1 0 0-5.4 2.7 2.7 0 0 0 0 5.400ZM2.5 16c0-2.8 2.2-4.3 5-4.300s5 1.5 5 4.300M13 4.400a2.6 2.6 0 0 1 0 4.900M15 12.100c1.6.6 2.5 1.9 2.5 3.9",
        Permission::SeeAffiliates,
    ),
    (
        Here::People,
        "nav-people",
        "/accounts/people/",
        "M10 9.5a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM4 16.500c0-3.200 2.600-5 6-5s6 1.800 6 5",
        Permission::SeePeople,
    ),
    (
        Here::Audit,
        "nav-audit",
        "/accounts/audit/",
        "M5 3.500h10v13H5zM7.500 7h5M7.500 10h5M7.500 13h3",
        Permission::SeeAudit,
    ),
];

part!(Icon);
