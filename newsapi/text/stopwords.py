"""Stop words by language: frequent words that say nothing about the subject of a text."""

from typing import Final

STOPWORDS: Final = {
    language: frozenset(words.split())
    for language, words in {
        "it": """
            a ad ai al all alla alle allo agli anche ancora avere aveva avevano c che chi ci ciò col come con contro
            cosa così cui d da dai dal dall dalla dalle dallo dagli degli dei del dell della delle dello deve di dopo
            dove due e ed era erano essere fa fare fatto fino fra già gli ha hanno ho i il in invece io l la le lei lo
            loro lui m ma mai me meno mentre mi mia mio molto ne negli nei nel nell nella nelle nello no noi non nostro
            o ogni oggi oltre ora per perché però più po poi prima proprio può qua quale quali quando quanto quasi
            quella quelle quelli quello quest questa queste questi questo qui quindi s sarà se sei sempre senza si sia
            siamo sono solo sta stata state stati stato su sua sue sugli sui sul sull sulla sulle sullo suo suoi t tra
            tre troppo tutta tutte tutti tutto un una uno v va verso vi via viene voi è
            """,
        "en": """
            a about after again all also am an and another any are as at be because been before being between both but
            by can could d did do does doing don down during each even few first for from further get had has have
            having he her here hers him his how i if in into is it its just like ll m made make many may me might more
            most much must my new no nor not now of off on once one only or other our out over own re s said same say
            says she should so some such t than that the their them then there these they this those through to too
            two under until up us ve very was we were what when where which while who whom why will with would you your
            """,
        "fr": """
            a ai ainsi au aux avant avec avoir c ce ceci cela ces cet cette ceux chez comme contre d dans de depuis des
            donc dont du elle elles en encore entre est et eu eux fait il ils j je l la le les leur leurs lors lui m
            mais me même mes moins mon n ne ni nos notre nous on ont ou où par pas pendant peu peut plus pour qu quand
            que qui s sa sans se sera ses si son sont sous sur t ta tes toi ton tous tout toute toutes très tu un une
            vers vos votre vous y à été être
            """,
        "de": """
            ab aber alle allem allen aller alles als also am an andere anderen auch auf aus bei beim bin bis da damit
            dann das dass dem den denn der des dessen die dies diese diesem diesen dieser dieses doch dort du durch ein
            eine einem einen einer eines er es etwas für gegen habe haben hat hatte hatten hier ich ihm ihn ihr ihre
            ihrem ihren ihrer im in ins ist ja jede jedem jeden jeder jetzt kann kein keine können man mehr mein mich
            mir mit nach nicht noch nun nur ob oder ohne sehr sein seine seinem seinen seiner seit sich sie sind so
            soll sollte sowie über um und uns unser unter vom von vor war waren was wegen weil wenn werden wie wieder
            will wir wird wo wurde wurden zu zum zur zwischen
            """,
        "es": """
            a al algo ante antes aquí así aún bajo cada como con contra cual cuando de del desde donde dos durante e el
            él ella ellas ellos en entre era eran es esa ese eso esta está están estas este esto estos fue fueron ha
            había han hasta hay la las le les lo los más me mi mientras mucho muy nada ni no nos o otra otro para pero
            poco por porque pues que qué quien se sea según ser si sí sido sin sobre son su sus también tan tanto te
            tiene todo todos tras tu un una uno unos y ya yo
            """,
        "pt": """
            a ao aos as à às até com como da das de depois do dos e ela elas ele eles em entre era essa esse esta está
            este eu foi foram há isso isto já lhe mais mas me mesmo muito na nas não nem no nos o os ou para pela pelas
            pelo pelos por quando que quem são se sem ser seu seus só sua suas também tem teve um uma você
            """,
        "nl": """
            aan al als bij dan dat de deze die dit doch doen door een en er ge geen had heb hebben heeft het hij hoe
            hun iets ik in is ja je kan maar me meer men met mij na naar niet nog nu of om omdat onder ook op over te
            tegen toch toen tot uit uw van veel voor want waren was wat we wel werd wie wij wordt zal ze zich zij zijn
            zo zonder zou
            """,
    }.items()
}
