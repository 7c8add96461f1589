//! What the pages of HTML have in common.

/// The tags of the head that are the same on every page. The policy keeps browsers from loading anything
/// else; `data:,` is an icon of no bytes, as they would ask for one.
pub(crate) const HEAD: &str = concat!(
    r#"<meta charset="utf-8"/><meta name="viewport" content="width=device-width, initial-scale=1"/>"#,
    r#"<meta name="color-scheme" content="light dark"/>"#,
    r#"<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:"/>"#,
    r#"<link rel="icon" href="data:,"/>"#,
);

/// The look of pages that are a report: figures, and tables. Each has what is its own behind it.
pub(crate) const REPORT_STYLE: &str = include_str!("report.css");
