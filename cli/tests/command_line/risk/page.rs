//! `btcstake risk report --html`: the page, read back as the XML that it is besides.

use btcstake::outputs::RiskReport;
use roxmltree::{Document, Node, ParsingOptions};
use serde_json::{Value, json};

use super::{input, with, worked};

fn page(input: &Value) -> (RiskReport, String) {
    let folder = with(input);
    let report: RiskReport = folder.output("risk report --input risk.json --html page.html");
    assert_eq!(report.written.as_deref(), Some("page.html"));
    (report, folder.read("page.html"))
}

fn read(page: &str) -> Document<'_> {
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    Document::parse_with_options(page, options).unwrap()
}

fn text(node: Node<'_, '_>) -> String {
    node.descendants().filter_map(|node| node.is_text().then(|| node.text()).flatten()).collect()
}

fn of_class<'a, 'i>(document: &'a Document<'i>, class: &str) -> Vec<Node<'a, 'i>> {
    document.descendants().filter(|node| node.attribute("class") == Some(class)).collect()
}

#[test]
fn page_asks_for_nothing_else_and_runs_no_scripts() {
    let hostile = "<script src=x onload='a'>\"&amp;</style>--><svg/onload=1>";
    let mut input = worked([3_600_000, 1]);
    for (list, field) in [("chains", "name"), ("providers", "operator")] {
        input[list][0][field] = hostile.into();
    }
    input["units_per_btc"] = json!({ "<b>": 3 });
    input["chains"][1] = json!({ "name": "two", "value": 1, "unit": "<b>", "secured_by": ["a1"] });
    let (report, page) = page(&input);
    for word in ["http:", "https:", "//", "<script", "url(", "@import", "@font-face", "<iframe", "<b>"] {
        assert!(!page.contains(word), "{word} in the page");
    }
    let document = read(&page);
    let policy = document.descendants().find(|node| node.attribute("http-equiv").is_some()).unwrap();
    assert!(policy.attribute("content").unwrap().starts_with("default-src 'none'"));
    for node in document.descendants() {
        assert!(node.attributes().all(|attribute| !attribute.name().starts_with("on")), "{node:?}");
        assert!(node.attribute("href").is_none_or(|link| link == "data:,"));
        assert!(!matches!(node.tag_name().name(), "script" | "img" | "object" | "foreignObject" | "use"));
    }
    // It is there as text, in answers and in tooltips.
    assert_eq!(report.chains[0].name, hostile);
    let answers = text(of_class(&document, "answers")[0]).replace('\u{202f}', "");
    assert!(report.answers.iter().all(|answer| answers.contains(answer)), "{answers}");
    assert!(document.descendants().any(|node| node.has_tag_name("title") && text(node).contains(hostile)));
    assert!(text(document.root()).contains("1 <b>"));
}

#[test]
fn page_is_for_light_and_dark_and_for_those_who_do_not_see_it() {
    let (_, page) = page(&worked([1, 1]));
    assert!(page.contains("content=\"light dark\"") && page.contains("prefers-color-scheme: dark"));
    let document = read(&page);
    let drawings = document.descendants().filter(|node| node.has_tag_name("svg"));
    let drawings: Vec<_> = drawings.filter(|node| node.attribute("aria-hidden").is_none()).collect();
    assert_eq!(drawings.len(), 3);
    for drawing in drawings {
        assert_eq!(drawing.attribute("role"), Some("img"));
        assert!(drawing.attribute("aria-label").is_some_and(|label| label.len() > 20));
    }
    let levels = document
        .descendants()
        .filter_map(|node| node.tag_name().name().strip_prefix('h')?.parse::<u8>().ok());
    let levels: Vec<_> = levels.collect();
    assert!(levels.starts_with(&[1, 2]) && levels[1..].iter().all(|level| *level == 2), "{levels:?}");
}

/// Every operator on its chains, as thick as its share; what attacks, and what is attacked, is marked.
#[test]
fn graph_shows_who_secures_what() {
    let (_, page) = page(&worked([2_500_000, 1_500_000]));
    let document = read(&page);
    let edges = |class: &str| {
        let of = |node: &Node<'_, '_>| text(node.children().find(|node| node.has_tag_name("title")).unwrap());
        of_class(&document, class).iter().map(of).collect::<Vec<_>>()
    };
    // By operator, largest first: c, a, b. Both chains are attacked by a.
    assert_eq!(edges("edge hot"), ["a has 35.0 % of all", "a has 44.4 % of two"]);
    assert_eq!(edges("edge"), ["c has 40.0 % of all", "b has 25.0 % of all", "b has 55.6 % of two"]);
    assert_eq!(of_class(&document, "node hot").len(), 3, "a, and both chains");
    assert_eq!(of_class(&document, "graph pays").len(), 1);
    let widths = of_class(&document, "edge hot");
    let width = |place: usize| widths[place].attribute("stroke-width").unwrap().parse::<f64>().unwrap();
    assert!(width(0) < width(1), "44 % is more than 35 %");
    let (_, secure) = self::page(&worked([1, 1]));
    assert_eq!(of_class(&read(&secure), "graph pays").len(), 0);
}

/// A curve ends with all of the power, and is where the figures are.
#[test]
fn curves_have_the_figures() {
    let (report, page) = page(&worked([0, 0]));
    let document = read(&page);
    let curves: Vec<_> = document.descendants().filter(|node| node.has_tag_name("polyline")).collect();
    let points = |place: usize| -> Vec<(f64, f64)> {
        let points = curves[place].attribute("points").unwrap().split(' ');
        points
            .map(|point| point.split_once(',').unwrap())
            .map(|(x, y)| (x.parse().unwrap(), y.parse().unwrap()))
            .collect()
    };
    assert_eq!(curves.len(), 3, "two chains, and one more");
    // From 280 for nothing to 18 for all: c has 40 %, with a 75 %.
    assert_eq!(points(0), [(64.0, 280.0), (272.7, 175.2), (481.3, 83.5), (690.0, 18.0)]);
    assert_eq!(points(1).len(), 3);
    let curve = points(2);
    assert_eq!(curve.len(), report.one_more_chain.curve.len());
    assert!(curve.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 > pair[1].1), "{curve:?}");
    // The level of 1 is where the ninth point is.
    let levels = of_class(&document, "level");
    assert_eq!(levels.last().unwrap().attribute("y1").unwrap().parse::<f64>().unwrap(), curve[8].1);
}

#[test]
fn large_inputs_are_cut_and_say_so() {
    let stakes: Vec<u64> = (1..=600).map(|number| number * 1000).collect();
    let chains: Vec<Value> = (0..12).map(|n| json!({ "name": format!("c{n}"), "value_sat": 1 })).collect();
    let (_, page) = page(&input(&stakes, &chains));
    let document = read(&page);
    assert_eq!(of_class(&document, "edge").len() + of_class(&document, "edge hot").len(), 30 * 12);
    let text = text(document.root());
    for cut in [
        "and 570 more are in the tables alone",
        "and 4 more chains have no curve here",
        "and 100 more providers",
    ] {
        assert!(text.contains(cut), "{cut}");
    }
}

#[test]
fn own_page_is_written_anew_and_no_other_file() {
    let folder = with(&worked([1, 1]));
    let line = "risk report --input risk.json --html page.html";
    assert!(folder.run(line).ends(0).stdout().ends_with("\nwrote page.html\n"));
    folder.run(line).ends(0);
    folder.write("page.html", "mine");
    folder.run(line).fails(&["--html page.html", "not written by this command"]);
    assert_eq!(folder.read("page.html"), "mine");
    folder.run("risk report --input risk.json --html nowhere/page.html").fails(&["--html nowhere/page.html"]);
    folder.run("risk report --input risk.json --html -").fails(&["--html -", "must be a file"]);
    assert!(!folder.path().join("nowhere").exists());
}
