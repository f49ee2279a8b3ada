"""Are names of each language read in the encoding they were written in, and doubts said?"""

from pathlib import Path

import pytest

from millrace.adapters.tables import detect_format

NAMES = {
    "Spanish": ("cp1252", "Logroño Málaga Cádiz Córdoba León España A_Coruña Muñoz Núñez Peñíscola"),
    "Portuguese": ("cp1252", "São_Paulo Brasília Goiânia Maranhão Ceará João Conceição Florianópolis"),
    "Swedish": ("cp1252", "Malmö Göteborg Västerås Örebro Åland Linköping Jönköping Umeå"),
    "Italian": ("cp1252", "Forlì città Cefalù Niccolò Cantù Nardò più perché"),
    "Danish": ("cp1252", "København Århus Ærø Brøndby Sønderborg Næstved Ålborg Sørensen"),
    "German": ("cp1252", "München Köln Düsseldorf Größe_in_m² Straße Nürnberg 20°C Übermut"),
    "French": ("cp1252", "Évry Orléans Besançon Saint-Étienne Nîmes Mâcon François où déjà n°3"),
    "Icelandic": ("cp1252", "Ísafjörður Þórshöfn Höfn Egilsstaðir Borgarnes Blönduós Guðrún Ægir"),
    "Polish": ("cp1250", "Łódź Kraków Gdańsk Poznań Wrocław Toruń Częstochowa Żywiec"),
    "Czech": ("cp1250", "Plzeň Brno Ústí České Hradec_Králové Žďár Děčín Dvůr Příbram"),
    "Hungarian": ("cp1250", "Győr Székesfehérvár Pécs Kőszeg Hűvös Gödöllő Nyíregyháza"),
    "Turkish": ("cp1254", "İstanbul Eskişehir Muğla Iğdır Şırnak Diyarbakır Çanakkale"),  # noqa: RUF001 - a letter of Turkish
    "a mixture": ("cp1252", "Müller García François Søren João Logroño Åse Größe"),
}


def written(folder: Path, words: list[str], encoding: str) -> Path:
    path = folder / "a.csv"
    path.write_bytes(
        ("id;place\n" + "".join(f"{n};{word}\n" for n, word in enumerate(words))).encode(encoding)
    )
    return path


@pytest.mark.parametrize("times", [1, 60])
@pytest.mark.parametrize("language", NAMES)
def test_names_are_read_in_the_encoding_of_their_language(tmp_path: Path, language: str, times: int) -> None:
    encoding, names = NAMES[language]
    path = written(tmp_path, names.split() * times, encoding)
    format_, [guess] = detect_format(path)
    assert path.read_bytes().decode(format_.encoding) == path.read_bytes().decode(encoding)
    assert "`encoding` in [data.format] says so" in guess


def test_a_few_polish_names_are_no_spanish_ones(tmp_path: Path) -> None:
    format_, _ = detect_format(written(tmp_path, ["Gdańsk", "Kraków", "Poznań"], "cp1250"))
    assert format_.encoding == "cp1250"


def test_letters_that_two_languages_share_are_a_doubt_with_two_words(tmp_path: Path) -> None:
    path = written(tmp_path, ["Søren", "Jørgen"], "cp1252")
    format_, [guess] = detect_format(path)
    assert format_.encoding == "cp1252"
    assert "it could be cp1250, in which 'Jørgen' is 'Jřrgen' and 'Søren' is 'Sřren': `encoding`" in guess
