//! Who may do what: the one table that pages, API and tests read.

/// What somebody is on a site (product.md, 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Runs the site.
    Admin,
    /// Runs programs and affiliates: all, or some.
    Manager,
    /// Approves and pays.
    Finance,
    /// Helps: sees what people see.
    Support,
    /// Reads numbers.
    Analyst,
    /// Pays for its own programs.
    Advertiser,
    /// Earns.
    Affiliate,
}

impl Role {
    /// All of them, the mightiest first.
    pub const ALL: [Self; 7] = [
        Self::Admin,
        Self::Manager,
        Self::Finance,
        Self::Support,
        Self::Analyst,
        Self::Advertiser,
        Self::Affiliate,
    ];

    /// The word in tables, URLs and translations.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Manager => "manager",
            Self::Finance => "finance",
            Self::Support => "support",
            Self::Analyst => "analyst",
            Self::Advertiser => "advertiser",
            Self::Affiliate => "affiliate",
        }
    }

    /// From its word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// Whether it works only with a second factor, unless its site says otherwise.
    pub const fn needs_two_factors(self) -> bool {
        matches!(self, Self::Admin | Self::Finance)
    }

    /// Whether this role may do something.
    pub fn may(self, what: Permission) -> bool {
        what.roles().contains(&self)
    }
}

/// Something that is asked for on a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Permission {
    /// Reports, the dashboard, live numbers, clicks one by one.
    SeeNumbers,
    /// Links and where they lead.
    SeeLinks,
    /// Make and change links.
    ChangeLinks,
    /// Programs and their terms.
    SeePrograms,
    /// Make and change programs, their terms and tokens.
    ChangePrograms,
    /// How an advertiser's server calls us, with the program's token.
    SeePostbacks,
    /// Which affiliate promotes which program, and who asks to.
    SeeEnrolments,
    /// Ask to promote a program.
    JoinPrograms,
    /// Who the affiliates are.
    SeeAffiliates,
    /// Make and change affiliates.
    ChangeAffiliates,
    /// Conversions and their life.
    SeeConversions,
    /// Commissions.
    SeeCommissions,
    /// Who is what on the site.
    SeePeople,
    /// Make people something else, invite and suspend them.
    ChangePeople,
    /// Look through somebody's eyes.
    Impersonate,
    /// What was changed, by whom.
    SeeAudit,
}

impl Permission {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::SeeNumbers,
        Self::SeeLinks,
        Self::ChangeLinks,
        Self::SeePrograms,
        Self::ChangePrograms,
        Self::SeePostbacks,
        Self::SeeEnrolments,
        Self::JoinPrograms,
        Self::SeeAffiliates,
        Self::ChangeAffiliates,
        Self::SeeConversions,
        Self::SeeCommissions,
        Self::SeePeople,
        Self::ChangePeople,
        Self::Impersonate,
        Self::SeeAudit,
    ];

    /// Who may. What of it they may, `tenant::Reach` says.
    pub const fn roles(self) -> &'static [Role] {
        use Role::{Admin, Advertiser, Affiliate, Analyst, Finance, Manager, Support};
        match self {
            Self::SeeNumbers
            | Self::SeeLinks
            | Self::SeePrograms
            | Self::SeeConversions
            | Self::SeeCommissions => {
                &[Admin, Manager, Finance, Support, Analyst, Advertiser, Affiliate]
            }
            Self::ChangeLinks | Self::JoinPrograms => &[Admin, Manager, Affiliate],
            Self::SeeEnrolments => &[Admin, Manager, Support, Affiliate],
            Self::ChangePrograms | Self::ChangeAffiliates => &[Admin, Manager],
            Self::SeePostbacks => &[Admin, Manager, Advertiser],
            Self::SeeAffiliates => &[Admin, Manager, Finance, Support, Analyst],
            Self::SeePeople | Self::Impersonate => &[Admin, Support],
            Self::ChangePeople | Self::SeeAudit => &[Admin],
        }
    }

    /// Whether it changes something: nobody who looks through another's eyes may.
    pub const fn changes(self) -> bool {
        matches!(
            self,
            Self::ChangeLinks
                | Self::ChangePrograms
                | Self::JoinPrograms
                | Self::ChangeAffiliates
                | Self::ChangePeople
                | Self::Impersonate
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_is_found_by_its_word() {
        for role in Role::ALL {
            assert_eq!(Role::from_name(role.name()), Some(role));
        }
        assert_eq!(Role::from_name("root"), None);
    }

    #[test]
    fn the_table_as_a_person_reads_it() {
        let table: Vec<String> = Permission::ALL
            .iter()
            .map(|what| {
                let roles: Vec<&str> = what.roles().iter().map(|role| role.name()).collect();
                format!("{what:?}: {}", roles.join(" "))
            })
            .collect();
        let all = "admin manager finance support analyst advertiser affiliate";
        let expected = [
            format!("SeeNumbers: {all}"),
            format!("SeeLinks: {all}"),
            "ChangeLinks: admin manager affiliate".to_owned(),
            format!("SeePrograms: {all}"),
            "ChangePrograms: admin manager".to_owned(),
            "SeePostbacks: admin manager advertiser".to_owned(),
            "SeeEnrolments: admin manager support affiliate".to_owned(),
            "JoinPrograms: admin manager affiliate".to_owned(),
            "SeeAffiliates: admin manager finance support analyst".to_owned(),
            "ChangeAffiliates: admin manager".to_owned(),
            format!("SeeConversions: {all}"),
            format!("SeeCommissions: {all}"),
            "SeePeople: admin support".to_owned(),
            "ChangePeople: admin".to_owned(),
            "Impersonate: admin support".to_owned(),
            "SeeAudit: admin".to_owned(),
        ];
        assert_eq!(table, expected);
    }
}
