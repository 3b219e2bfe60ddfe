//! The little this server must read of SQL itself: where an insert's data begins, and what reaches outside the tables.
//!
//! It is a tokenizer, not a parser: what a statement means is the engine's to say (`Connection::classify`).

/// A piece of SQL that matters here. Comments and white space are skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    /// A bare identifier or keyword.
    Word(&'a str),
    /// An identifier in backquotes or double quotes, without them.
    Quoted(&'a str),
    /// A string, without its quotes, or a heredoc.
    Text(&'a str),
    /// Any other byte.
    Byte(u8),
}

struct Tokens<'a> {
    sql: &'a str,
    at: usize,
}

impl<'a> Tokens<'a> {
    fn new(sql: &'a str) -> Self {
        Self { sql, at: 0 }
    }

    fn rest(&self) -> &'a [u8] {
        &self.sql.as_bytes()[self.at..]
    }

    fn skip_blank(&mut self) {
        loop {
            let rest = self.rest();
            let comment = match rest {
                [b'-', b'-', ..] | [b'#', b' ' | b'!', ..] => {
                    find(rest, b"\n").map_or(rest.len(), |end| end + 1)
                }
                [b'/', b'*', ..] => find(&rest[2..], b"*/").map_or(rest.len(), |end| end + 4),
                [blank, ..] if blank.is_ascii_whitespace() => 1,
                _ => return,
            };
            self.at += comment;
        }
    }

    /// Steps over a quoted run; the opening quote is at `self.at`. Returns what is inside.
    fn quoted(&mut self, quote: u8) -> &'a str {
        let rest = self.rest();
        let mut end = 1;
        while end < rest.len() {
            match rest[end] {
                b'\\' => end += 2,
                byte if byte == quote && rest.get(end + 1) == Some(&quote) => end += 2,
                byte if byte == quote => break,
                _ => end += 1,
            }
        }
        let end = end.min(rest.len());
        let start = self.at + 1;
        self.at = (self.at + end + 1).min(self.sql.len());
        self.sql.get(start..start + end - 1).unwrap_or("")
    }

    /// Steps over `$tag$ … $tag$`, if that is what begins here.
    fn heredoc(&mut self) -> bool {
        let rest = self.rest();
        let Some(tag) = rest[1..].iter().position(|&byte| byte == b'$').map(|end| &rest[..end + 2])
        else {
            return false;
        };
        if !tag[1..tag.len() - 1].iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_') {
            return false;
        }
        let Some(end) = find(&rest[tag.len()..], tag) else { return false };
        self.at += end + 2 * tag.len();
        true
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = (usize, Token<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        self.skip_blank();
        let start = self.at;
        let first = *self.rest().first()?;
        let token = match first {
            b'\'' => Token::Text(self.quoted(first)),
            b'`' | b'"' => Token::Quoted(self.quoted(first)),
            b'$' if self.heredoc() => Token::Text(&self.sql[start..self.at]),
            byte if byte.is_ascii_alphanumeric() || byte == b'_' => {
                let length = self
                    .rest()
                    .iter()
                    .take_while(|b| b.is_ascii_alphanumeric() || **b == b'_')
                    .count();
                self.at += length;
                Token::Word(&self.sql[start..start + length])
            }
            byte => {
                self.at += 1;
                Token::Byte(byte)
            }
        };
        Some((start, token))
    }
}

/// An insert whose rows follow its statement.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct InsertHead<'a> {
    /// The statement without `FORMAT` and data.
    pub statement: &'a str,
    /// The format of the data.
    pub format: &'a str,
    /// Where the data begins in the text.
    pub data_at: usize,
}

/// Splits `INSERT INTO … FORMAT x data`; `None` for everything else, `INSERT … SELECT` and `VALUES` included.
pub(super) fn insert_head(sql: &str) -> Option<InsertHead<'_>> {
    let mut tokens = Tokens::new(sql).peekable();
    let mut depth = 0_usize;
    let mut previous = match tokens.next() {
        Some((_, first @ Token::Word(word))) if word.eq_ignore_ascii_case("insert") => first,
        _ => return None,
    };
    while let Some((at, token)) = tokens.next() {
        match token {
            Token::Byte(b'(' | b'[' | b'{') => depth += 1,
            Token::Byte(b')' | b']' | b'}') => depth = depth.saturating_sub(1),
            Token::Word(word) if depth == 0 && !names_a_table(previous) => {
                if ["select", "with", "values", "infile"]
                    .iter()
                    .any(|stop| word.eq_ignore_ascii_case(stop))
                {
                    return None;
                }
                if word.eq_ignore_ascii_case("format")
                    && let Some(&(start, Token::Word(format))) = tokens.peek()
                {
                    let data_at = data_start(sql, start + format.len());
                    return Some(InsertHead { statement: sql[..at].trim_end(), format, data_at });
                }
            }
            _ => {}
        }
        previous = token;
    }
    None
}

/// True when the next word is a name, whatever it spells: `INSERT INTO format`, `db.values`.
fn names_a_table(previous: Token<'_>) -> bool {
    match previous {
        Token::Byte(byte) => byte == b'.',
        Token::Word(word) => {
            word.eq_ignore_ascii_case("into") || word.eq_ignore_ascii_case("table")
        }
        _ => false,
    }
}

/// Data begins after the blanks of the format's line and its line end, as on a server.
fn data_start(sql: &str, after_format: usize) -> usize {
    let rest = &sql.as_bytes()[after_format..];
    let blanks = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r')).count();
    after_format + blanks + usize::from(rest.get(blanks) == Some(&b'\n'))
}

/// The first words, in capitals: `["SYSTEM", "SHUTDOWN"]`.
pub(super) fn first_words(sql: &str, count: usize) -> Vec<String> {
    let words = Tokens::new(sql).map_while(|(_, token)| match token {
        Token::Word(word) => Some(word.to_ascii_uppercase()),
        _ => None,
    });
    words.take(count).collect()
}

/// Functions, engines and sources that read or write outside the engine's own tables.
const OUTSIDE: [&str; 57] = [
    "arrowflight",
    "azureblobstorage",
    "azureblobstoragecluster",
    "azurequeue",
    "backup",
    "catboostevaluate",
    "cluster",
    "clusterallreplicas",
    "datalakecatalog",
    "deltalake",
    "deltalakecluster",
    "disk",
    "embeddedrocksdb",
    "executable",
    "executablepool",
    "file",
    "filecluster",
    "filelog",
    "filesystem",
    "gcs",
    "hdfs",
    "hdfscluster",
    "hive",
    "http",
    "hudi",
    "hudicluster",
    "iceberg",
    "icebergazure",
    "icebergazurecluster",
    "icebergcluster",
    "iceberghdfs",
    "iceberghdfscluster",
    "iceberglocal",
    "icebergs3",
    "icebergs3cluster",
    "jdbc",
    "kafka",
    "materializedmysql",
    "materializedpostgresql",
    "mongodb",
    "mongo",
    "mysql",
    "nats",
    "odbc",
    "oss",
    "paimon",
    "postgresql",
    "python",
    "rabbitmq",
    "redis",
    "remote",
    "remotesecure",
    "s3",
    "s3cluster",
    "s3queue",
    "sqlite",
    "ytsaurus",
];

/// Words before the name of a table.
const BEFORE_TABLE: [&str; 6] = ["from", "into", "join", "table", "describe", "desc"];

/// The name of a function, engine or source in `sql` that leaves the engine, if there is one; `INTO OUTFILE`,
/// `FROM INFILE` and a file's name in the place of a table's too. Nothing in Tributary needs one, so nobody is allowed
/// one.
pub(super) fn reaches_outside(sql: &str) -> Option<String> {
    let mut previous: Option<&str> = None;
    // Whether what comes next is the name of a table, or of an engine without parentheses.
    let (mut table, mut engine) = (false, false);
    for (_, token) in Tokens::new(sql) {
        match token {
            Token::Byte(b'(') => {
                if let Some(name) = previous.and_then(outside) {
                    return Some(name);
                }
                previous = None;
            }
            Token::Quoted(name) | Token::Text(name) if table && name.contains(['/', '.']) => {
                return Some(format!("the file {name}"));
            }
            Token::Word(name) | Token::Quoted(name) if engine && outside(name).is_some() => {
                return outside(name);
            }
            Token::Word(word)
                if word.eq_ignore_ascii_case("outfile") || word.eq_ignore_ascii_case("infile") =>
            {
                return Some(word.to_ascii_lowercase());
            }
            Token::Word(word) | Token::Quoted(word) => previous = Some(word),
            _ => previous = None,
        }
        match token {
            Token::Word(word) => {
                table = BEFORE_TABLE.iter().any(|before| word.eq_ignore_ascii_case(before));
                engine = word.eq_ignore_ascii_case("engine");
            }
            Token::Byte(b'=') => table = false,
            _ => (table, engine) = (false, false),
        }
    }
    None
}

fn outside(name: &str) -> Option<String> {
    let name = name.to_ascii_lowercase();
    let is_outside = OUTSIDE.contains(&name.as_str()) || name.starts_with("url");
    let harmless = matches!(name.as_str(), "urlhash" | "urlhierarchy" | "urlpathhierarchy");
    (is_outside && !harmless).then_some(name)
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

/// Whether it is a single SELECT without the engine's parser being asked, which takes as long as it does to parse it once
/// more. By bytes alone, whatever they are a part of: `false` says nothing.
pub(super) fn is_plainly_select(sql: &str) -> bool {
    const MAY_WRITE: [&[u8]; 8] =
        [b"into", b"insert", b"update", b"delete", b"create", b"alter", b"drop", b"truncate"];
    let begins = |word: &str| {
        let head = sql.as_bytes().get(..word.len());
        head.is_some_and(|head| head.eq_ignore_ascii_case(word.as_bytes()))
    };
    let has =
        |word: &[u8]| sql.as_bytes().windows(word.len()).any(|at| at.eq_ignore_ascii_case(word));
    (begins("SELECT ") || begins("WITH ")) && !has(b";") && !MAY_WRITE.into_iter().any(has)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn insert_is_cut_where_its_data_begins() {
        let check = |sql: &str, expected: Option<(&str, &str, &str)>| {
            let head = insert_head(sql);
            let cut = head.as_ref().map(|head| (head.statement, head.format, &sql[head.data_at..]));
            assert_eq!(cut, expected, "{sql}");
        };
        check("INSERT INTO t FORMAT Native", Some(("INSERT INTO t", "Native", "")));
        check(
            "insert into d.t(a, b)\nformat CSV \n1,2\n",
            Some(("insert into d.t(a, b)", "CSV", "1,2\n")),
        );
        check("INSERT INTO `format` FORMAT CSV  x", Some(("INSERT INTO `format`", "CSV", "x")));
        check("INSERT INTO format FORMAT CSV", Some(("INSERT INTO format", "CSV", "")));
        check(
            "/* FORMAT x */ INSERT INTO t -- FORMAT y\nFORMAT z",
            Some(("/* FORMAT x */ INSERT INTO t -- FORMAT y", "z", "")),
        );
        check(
            "INSERT INTO t SETTINGS a='FORMAT b' FORMAT c",
            Some(("INSERT INTO t SETTINGS a='FORMAT b'", "c", "")),
        );
        check("INSERT INTO t VALUES (1) FORMAT x", None);
        check("INSERT INTO t SELECT 1 FORMAT x", None);
        check("SELECT 1 FORMAT CSV", None);
        check("INSERT", None);
    }

    #[test]
    fn reaching_outside_is_seen_through_quotes_and_blanks() {
        let check = |sql: &str, expected: bool| {
            assert_eq!(reaches_outside(sql).is_some(), expected, "{sql}")
        };
        check("SELECT * FROM url('http://x')", true);
        check("SELECT * FROM `file` /* */ ('x')", true);
        check("SELECT * FROM \"S3\"('x')", true);
        check("CREATE TABLE t (a Int8) ENGINE = PostgreSQL('h')", true);
        check("SELECT 1 INTO OUTFILE 'x'", true);
        check("INSERT INTO t FROM INFILE 'x'", true);
        check("SELECT * FROM `/etc/passwd`", true);
        check("SELECT * FROM '/etc/passwd'", true);
        check("SELECT 1 FROM a JOIN \"../b\" USING c", true);
        check("INSERT INTO `data.csv` SELECT 1", true);
        check("DESCRIBE TABLE `x.parquet`", true);
        check("ATTACH TABLE t FROM '/tmp/x' (a Int8) ENGINE = MergeTree", true);
        check("CREATE DATABASE f ENGINE = Filesystem", true);
        check("CREATE TABLE t (a Int8) ENGINE URL", true);
        check("SELECT `a/b` AS \"c.d\" FROM `t` WHERE e = '/etc/passwd'", false);
        check("SELECT engine, url FROM system.tables WHERE engine = 'MergeTree'", false);
        check("CREATE TABLE t (url String) ENGINE = MergeTree ORDER BY url", false);
        check("SELECT 'file(x)', url, domain(url) FROM t", false);
        check("SELECT file FROM t -- file(", false);
        check("SELECT cutURLParameter(url, 'a') FROM t WHERE a IN (1)", false);
    }

    #[test]
    fn odd_quotes_never_panic() {
        for sql in ["'", "`", "\"a\\", "$", "$a", "$é$", "--", "/*", "é(", "'é\\"] {
            let _ = (insert_head(sql), reaches_outside(sql), Tokens::new(sql).count());
        }
    }

    #[test]
    fn only_what_can_be_nothing_else_is_plainly_a_select() {
        for yes in ["SELECT 1", "with t.a AS k0 SELECT k0 FROM t UNION ALL SELECT 2"] {
            assert!(is_plainly_select(yes), "{yes}");
        }
        for no in [
            "",
            "SELECT",
            " SELECT 1",
            "/* SELECT */ DROP TABLE t",
            "SELECT 1; DROP TABLE t",
            "SELECT 1;",
            "SELECT ';'",
            "SELECT 1 INTO OUTFILE 'x'",
            "SELECT 1 iNtO OUTFILE 'x'",
            "WITH a AS (SELECT 1) INSERT t SELECT * FROM a",
            "SELECTED",
            "INSERT INTO t SELECT 1",
            "EXPLAIN SELECT 1",
        ] {
            assert!(!is_plainly_select(no), "{no}");
        }
    }
}
