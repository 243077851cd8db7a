"""Mandarin: which fact an amount states, by the words around it."""

from __future__ import annotations

import re

from models.around import Around, Role, ends, starts
from models.numerals import spoken

_FILLER = (
    r"(?:[呢啊呀嘛哦就才是也都只给你们咱我大家您了的家人宝友再还又能可以今天直接现在"
    r"一共总共来个到差不多大概也就在其实那么这里上去:： ]|"
    r"需要|已经|左右|统统|通通|全部|姐妹们?|朋友们?){0,10}"
)

_FORMER = (
    r"原价|原来|之前|以前|从前|平时|平常|日常|往常|往日|昨天|昨晚|前天|上周|上个?礼拜|"
    r"上个?星期|上个?月|上次|上一?场|去年|前年|前几天|前阵子|前段时间|刚上架|刚开始|上新|首发|"
    r"开卖|划线|恢复|涨回|回到|一直(?:都)?卖|曾经|过去|一开始|正常|双十一|双11|六一八|618|"
    r"定价|那会儿|当时|标价|挂价|零售价|老价|往年|早些时候|上架价|上架的时候"
)
_ELSEWHERE = (
    r"专柜|柜台|柜姐|商场|商城|超市|实体店|门店|线下|外面|外头|外边|别家|别人|人家|市面|市场|"
    r"官网|旗舰店|淘宝|天猫|京东|拼多多|唯品会|某宝|某东|某猫|[别其]的?(?:平台|直播间|主播)|"
    r"其他|同行|隔壁|网上|国外|免税店|机场|药店|吊牌|建议|指导价|店里|街上|饭店|酒店里|茶庄|"
    r"景区|美容院|首饰店|金店|品牌店|大牌|代购|菜市场|海鲜市场|水果店|搜一下|搜到|某音|全网"
)
_NOW = (
    r"今天|今晚|今儿|现在|我这|我们这|咱这|咱家|到手|只要|只收|只卖|仅|券后|活动价|福利价|"
    r"秒杀|拍下|我今|我给|我们家?只|咱们?只"
)
_REFERENCE = re.compile(rf"(?P<former>{_FORMER})|(?P<elsewhere>{_ELSEWHERE})|(?P<now>{_NOW})")
_OWN = re.compile(r"(?:我们|咱们?|自己|自家|我家)的?(?:店里|旗舰店|门店|实体店|专柜|官网|直播间|线下)")

_NO_PRICE = ends(
    rf"(?:价值|赠|赚|挣|亏|赔|押金|定金|成本|工资|房租|花了|花|保证金|罚款?|打赏|佣金|进价|"
    rf"拿货价?|平均(?:下来)?|算下来|合下来|折合|合|一天|每天|每次|一次|一杯|每杯|一顿|每顿|"
    rf"一晚|每晚"
    rf"|话费|差(?:不多)?(?<!差不多)|贵|涨到?|加价?|多付|多花|学费|奶茶|打车|退|转|借|充|捐|存|"
    rf"欠|输|赢|奖金|补贴你?们?(?=\Z)|单片|单杯|每克|每片|每包|每斤|零头|抹|尾款|抹掉|人均|"
    rf"一个月|客单|满|够|超过|保价|报价?|开价|喊价|叫价|要价|工费|手工费|证书费|检测费|加工费|"
    rf"升值到?|涨了|值|便宜(?!到|价)|省(?!下来)|返|解锁|回收|激活)"
    rf"{_FILLER}"
)
_NOT_SO = ends(
    r"(?:不要|不是|不用|不卖|不收|没卖|别再?卖|也不要|不止|不需要|没要|没收|不跟你们?要|不付)[你们您到我]{0,2}"
)
_NOT_AFTER = starts(
    r"(?:都|也|我?都?也)?(?:不要|不卖|不收|不用|没要|别想|拿不到|买不到|做不到|下不来|拿不下)|"
    r"(?:以上)?的?(?:赠品|礼品|小样|罚|保证金|押金|定金|奶茶|盒饭|学费|工资|路费)|(?:块|"
    r"钱)?(?:一天|一次|一杯|一顿|一晚|每天)|的(?:东西|货|人|时候|盒饭|外卖|水|烟|饭)|(?:多|"
    r"左右)?(?:成本|进价|的本)"
)
_THRESHOLD = starts(r"(?:块|元)?(?:以上|就|立|再|可以|可|就能|能)?(?:减|送|打折|打\d|可用|能用|立减|包邮(?!$))")
_LIFE = re.compile(
    r"我妈|我爸|小时候|打车|买菜|工资|房租|早餐|外卖|奶茶|停车|话费|理发|学费|打赏|刷个|"
    r"刷礼物|红包雨|电影票|加油|油费|水电|高速费|菜钱|给娃|压岁|彩票|抽奖|中奖|运险"
)

_COUPON_LEFT = ends(
    r"(?:满减|立减|直减|再减|减|抵扣|抵|优惠(?!价|后)|便宜(?!到|价)|(?<![用领])券(?!后|完|"
    r"下来|以后)(?:是|有|面额|的面值)?|红包|补贴|"
    r"省)(?:[了你们再是就直接给大家我咱又还能可以掉去一个张:： ]){0,5}"
)
_COUPON_RIGHT = starts(
    r"(?:块钱?|元)?(?:钱)?(?:的)?(?:大额|无门槛|平台|店铺|优惠|代金|抵用|现金|粉丝|直播间|"
    r"专属|新人|满减|隐藏|通用|会员|小|立减|内部|限时)*(?:的)?(?:券|红包|津贴|抵用|立减|满减|"
    r"优惠(?!价))"
)
_COMPARED = re.compile(r"比|跟.{0,6}(?:比|相比)|相当于")
_LESS_LEFT = ends(r"(?:不到|不超过|不足|低于|小于|不用|少于|没到|控制在)[了你们]?")
_LESS_RIGHT = starts(r"(?:块|元|钱)?(?:以内|以下|都不到|不到|不用|都不用|之内|都没有|都用不了|不到的)")
_ABOUT = starts(r"(?:左右|上下|样子|的样子|出头)")
_ABOUT_LEFT = ends(r"(?:大概|差不多|大约|约|将近|接近|快)[是有要]?")
_SHIPPING = ends(r"(?:运费|邮费|快递费|邮寄费)(?!险)[^\d]{0,6}"), starts(r"(?:的)?(?:运费|邮费|快递费)(?!险)")
_PRICE_LEFT = ends(
    r"(?:只要|只需要?|只收|只卖|卖(?:你们?)?|到手价?|价(?:格|钱)?(?:是|就是|为|给到)?|一口价|"
    r"秒杀价?|券后|拍下|仅需|不要|后是|仅|收你们?|收|付|标|标着|挂|"
    r"做到|降到|减到|打到|压到|干到|砍到|杀到|给到|直接上|给你们?|(?:我们?|咱们?)这(?:儿|里|"
    r"边)?|我家|咱家|就是|也就|才|就|今天|现在|直播间|今晚|今儿|只|来个|报|[这那]款|[这那]个|"
    r"[这那]件|[这那]双|[这那]条|[这那]瓶|[这那]盒|原价|专柜|外面|官网|门店|超市|商场|平时|"
    r"之前|以前|昨天|要|恢复|都要)" + _FILLER
)
_STRONG = ends(
    (
        r"(?:只要|只需要?|只收|只卖|卖(?:你们?)?|到手价?|价(?:格|钱)?(?:是|就是|为|给到)?|一口价|"
        r"秒杀价?|券后|拍下|仅需|收|标|恢复)"
    )
    + _FILLER
)
_PRICE_RIGHT = starts(
    r"(?:[，,]?)(?:[两三四五六七八九十]{1,2}(?:瓶|袋|包|盒|件|支|条|双|罐|箱|斤)|到手|拿走|"
    r"带走|包邮|拿回|上车|秒杀|秒|给到你|给到我们?家人|开抢|抱走|一口价|直接拍|带回|拍走|抢走|"
    r"到家|安排|炸)"
)
_NOT_BARE = starts(
    r"[年月日号点分天岁码楼层款人名位次折成倍度级届期代季周集秒种样家步招遍回句字%％多几余单百]|"
    r"个|小时|星|\.|[A-Za-z]|后|宝|姐|妹|平|道|大|后|度|流|:"
)

_BODY = re.compile(
    r"我.{0,3}[一1]米|[一1]米[五六七八]|穿|身高|体重|个子|身材|微胖|胖|瘦|尺码|[SMLX码]号?|"
    r"斤(?:以内|以下|的)?(?:姐妹|女生|宝宝|男生|人)|净身"
)
_NO_WEIGHT = ends(
    r"(?:体重|瘦了?|胖了?|减掉?|掉了?|承重|承受|扛|载重|每(?:一)?|轻了?|重了|多了|少了|一天|"
    r"每天|吃了|吃|喝了?|喂|胸|举|负重|提|装得下|能装|可以装|能放|装|一次|每次|每顿|一顿|"
    r"含糖?|蛋白质?|脂肪|糖分?|热量|克重|相差|差|误差|称了?|收了|采了?|卖了?|要用|用了?|需要|"
    r"出|产|我|挑|耗|几|囤|挂|压|能扛|加|放|熬|煮|添|缩|浓缩|运|背|提炼|取|榨|晒)"
    r"[了着过得个出成掉到大概差不多就还能上个的是有才只约这那]{0,5}"
)
_WEIGHT_SURE = ends(
    r"(?:净含量|净重|克数|总重|毛重|到手|一共|总共|共|足足|足|整整|里面|装的?是?|一箱|一袋|"
    r"一盒|一瓶|一罐|一包|一份|一件|每箱|每袋|每盒|每瓶|每罐|每包|单果|发|重量|重|分量|规格|"
    r"给你|拍|实重|金重|克重是)[是有发就了你们大概约差不多都给装的到手里面]{0,6}"
)
_NO_WEIGHT_RIGHT = starts(
    r"(?:左右)?的?(?:人|体重|姐妹|宝宝|女生|男生|以内的|以下的|都能穿|能穿|可以穿|蛋白|糖|"
    r"脂肪|热量|含量|钙|狗|猫|面料|盐|油|水|米饭|肉|重物|东西|行李)"
)
_NO_LENGTH = ends(
    r"(?:身高|净身高|主播|模特|孩子|宝宝|我儿子|我女儿|我老公|距离?|远|长了|短了|宽了|高了|"
    r"高出|误差|差|水深|脚长|我|老公|她|他|离|走|跑|隔|相差|窄了|退|站|往[上下里外]|剪|裁|"
    r"放长?|改|缩|大了|小了|厚了|薄了|挪|每隔?)[是有了我的大概差不多就个才净也只约出]{0,5}"
)
_NO_LENGTH_RIGHT = starts(
    r"(?:左右|上下)?的?(?:姐妹|女生|个子|小个子|身高|以下|以上|宝宝|人|高个|男生|小伙|妹|外|"
    r"开外|远|距离|之内|女孩|模特|我)"
)
_NO_VOLUME = ends(r"(?:喝|加|倒|兑|每天|排量|一天|每次|一次|接|挤|取|用|放|冲|泡)[了着个上大概差不多入进约]{0,4}")
_BANGLE = ends(r"(?:圈口|内径|手寸|圈号|直径|口径)(?:是|就是|在|大概|做的)?")

_MANY = ends(
    r"(?:一共|总共|共计|共|合计|加起来|到手|发你们?|发|给到?你?们?|里面(?:是|有|装了?)?|"
    r"里头(?:是|有|装了?)?|内含|含|内有|装了?|拿到|收到|到家|足足|整整|总计|一次性|送到家)"
    r"(?:[是有了你们就给的足直接个整]|一共|总共){0,5}"
)
_BOX = ends(
    r"(?:一|每|1)(?:箱|盒|包|袋|瓶|份|套|单|件|组|提|桶|罐|大盒|大包|大箱|大袋|板|筒|抽|"
    r"个礼盒|礼盒)(?:里面|里头|里)?(?:是|有|就是|就有|装|装了|一共|总共|足足|能|的|都|"
    r"里)?(?:是|有)?"
)
_NO_COUNT = ends(
    r"(?:每天|一天|每次|一次|早晚|早中晚|吃|喝|用|贴|涂|挤|限购|限拍|最多拍|最多|卖了?|"
    r"卖出去?|销|送|赠|退|囤|买|回购|第|前|抽|再来|库存|还剩|只剩|就剩|剩|最后|拍(?!\S*发)|"
    r"人手|穿|试了?|这|那|哪|开了?|拆|发出去|发走|出了?|收|颗|一人|煮|放|泡|加|点|选|看|挑|换|"
    r"搭|背|讲|说|卖过|带了?|差)[了着过的你们我大家一]{0,2}"
)
_SET = re.compile(r"(?:件套|片装|瓶装|袋装|支装|盒装|只装|个装|粒装|枚装|颗装|条装|包装)$")
_SET_RIGHT = starts(
    r"(?:装|一组|一套|一份|一单|到手|包邮|一起发|一箱|一盒|一提|一袋|一包|给你|全(?:部)?(?:给|"
    r"带)|打包|组合|的?量贩|的?家庭)"
)
_GIFT = re.compile(
    r"买([一二两三四五六1-6])[\u4e00-\u9fff]?[，,]?(?:就|再|还|我)?送([一二两三四五六1-6])(?!斤|两|百|十|个亿)"
)
_FIRED = re.compile(
    r"拍(?:一|1)(?:件|单|份|个|瓶|盒|袋|箱)?(?:就|我|给你)?(?:发|得|到手)([一二两三四五六七八九十\d]{1,3})"
)

_LEFT_OVER = ends(
    r"(?:还剩(?:下|余)?|只剩下?|就剩下?|仅剩下?|剩下?|剩余|最后(?!一[点次天波场])|库存(?:只有|"
    r"就|还有|剩|里)?|余量|现货|库里|仓库里?|名额|只有最后|还有最后|后台|数量只有|限量|只上|"
    r"就上|总共就|一共就|一共只有|总共只有|只放|就放|只备了|货(?:就|只有|"
    r"只剩))[了最后的这还有就是只剩有]{0,5}"
)
_HAVE = ends(r"(?:还有|只有|就有|就只有|还能上|也就|就这|手上就|手里就|今天就|就)(?:最后|这)?")
_COUNTED_STOCK = re.compile(r"[件单套份台只条双个瓶盒箱袋罐包支把张组提副块枚对]$")
_NOT_STOCK = starts(
    r"(?:的)?(?:链接|问题|品|环节|颜色|款|小时|分钟|月|机会|名额(?!$)|惊喜|福利|活动|节目|"
    r"话题|色|码|尺码|客服|人|姐妹|孩子)"
)
_ORDERS = starts(r"(?:单|件|套|份|台|个|瓶|盒|双|条|只|箱|库存|了|$)")


_HEAVIEST = 60_000
"""Grams: what weighs more is a harvest or a person, and not one order."""
_MOST_PIECES = 2_000


def role(around: Around) -> Role | None:
    """The field, value and notes of the fact that an amount states; None where it states none."""
    match around.amount.kind:
        case "money":
            return _money(around)
        case "bare":
            return _bare(around)
        case "weight":
            return _weight(around)
        case "length" | "volume":
            return _size(around)
    return _count(around)


def _money(around: Around) -> Role | None:
    left, right, amount = around.left, around.right, around.amount
    if (
        _NOT_SO(left)
        or _NOT_AFTER(right)
        or _THRESHOLD(right)
        and re.search(r"(?:满|够|超过?|买到)[\u4e00-\u9fff]{0,3}$", left)
    ):
        return None
    if _SHIPPING[0](left) or _SHIPPING[1](right):
        return Role("shipping", amount.value, _limits(around))
    if _is_coupon(around):
        return Role("coupon", amount.value)
    if _NO_PRICE(around.upto) or _LIFE.search(around.clause.text) or amount.value <= 0:
        return None
    return _price(around)


def _is_coupon(around: Around) -> bool:
    if _COMPARED.search(around.left) or re.search(r"(?:减|省|便宜)(?:到|完|后|下来)", around.left[-6:]):
        return False
    if _COUPON_RIGHT(around.right):
        return True
    return (
        _COUPON_LEFT(around.left)
        and not re.search(r"省[^，]{0,6}$|便宜[^，]{0,3}$", around.left)
        or bool(re.search(r"(?:再|给你|立马|直接|直播间)(?:便宜|省)[了你们大家]{0,2}$|立省$", around.left))
    )


def _price(around: Around) -> Role | None:
    """Former, elsewhere or now: the nearest word of time or place before the amount decides."""
    notes = _limits(around)
    said = _OWN.sub("平时", around.left_and_before)
    cues = list(_REFERENCE.finditer(said))
    if starts(r"(?:的)?(?:原价|吊牌价|专柜价|市场价)")(around.right):
        elsewhere = not starts(r"(?:的)?原价")(around.right)
        return Role("reference_price", around.amount.value, frozenset({"elsewhere"}) if elsewhere else frozenset())
    for cue in reversed(cues):
        if cue["now"]:
            break
        if cue["former"] and not re.search(_ELSEWHERE, said[: cue.start()]):
            return Role("reference_price", around.amount.value)
        return Role("reference_price", around.amount.value, frozenset({"elsewhere"}))
    return Role("price", around.amount.value, notes | around.price_notes() | _per(around))


def _per(around: Around) -> frozenset[str]:
    """九块九一斤 is the price of a jin, not of the order."""
    match = re.match(r"(?:钱)?(?:一|每|/|1)?(斤|公斤|克)(?!半|\d|装)", around.right)
    if match is None or match.group()[0] in "斤公克":
        return frozenset()
    return frozenset({"per_unit", {"斤": "per 500 g", "公斤": "per 1000 g", "克": "per 1 g"}[match[1]]})


def _limits(around: Around) -> frozenset[str]:
    notes = set()
    if _LESS_LEFT(around.left) or _LESS_RIGHT(around.right):
        notes.add("at_most")
    if _ABOUT(around.right) or _ABOUT_LEFT(around.left):
        notes.add("about")
    return frozenset(notes)


def _bare(around: Around) -> Role | None:
    """A number without a unit is a price after a price word or before 到手, 包邮; a bangle's size after 圈口."""
    left, right, amount = around.left_and_before, around.right, around.amount
    if _BANGLE(around.left) and 40 <= amount.value <= 80 or starts(r"(?:号)?(?:的)?圈口")(right):
        return Role("size", f"{amount.value:g} mm")
    if amount.digits in ("一", "半", "两", "十", "几", "百", "千", "万") or amount.value < 3 or _BANGLE(around.left):
        return None
    if _SHIPPING[0](around.left):
        return Role("shipping", amount.value)
    if (
        _NOT_SO(left)
        or _NOT_AFTER(right)
        or _THRESHOLD(right)
        and re.search(r"(?:满|够|超过?|买到)[\u4e00-\u9fff]{0,3}$", left)
    ):
        return None
    if re.search(r"满[^，]{1,8}减$", around.upto):
        return Role("coupon", amount.value)
    if _LEFT_OVER(left) and starts(r"(?:了|$|库存)")(right):
        return Role("stock", amount.value)
    if re.search(r"(?:立减|直减|再减|抵扣|券[^，]{0,3}减)[你们]?$", left) and not _NOT_BARE(right):
        return Role("coupon", amount.value)
    if _NOT_BARE(right) or _NO_PRICE(around.upto) or _LIFE.search(around.clause.text):
        return None
    sure = _STRONG(left) or _PRICE_RIGHT(right)
    whole = right.strip("啊呀吧了哦哈的呢 ，,") == "" or starts(
        r"[\s，,]*(?:[一两二三四五六]|啊|吧|了|哦|哈|你|咱|还|我|全|直)"
    )(right)
    if sure or (_PRICE_LEFT(left) and whole and amount.value >= 5) or (around.alone and around.money_before):
        return _price(around)
    return None


def _weight(around: Around) -> Role | None:
    left, right, amount = around.left, around.right, around.amount
    if _per_price(around) or (
        _BODY.search(around.clause.before + around.clause.text) and 35_000 <= amount.value <= 150_000
    ):
        return None
    if (
        _NO_WEIGHT_RIGHT(right)
        or (_NO_WEIGHT(left) and not _WEIGHT_SURE(left))
        or re.search(r"不是$|没有$|不止$|半斤八", left)
    ):
        return None
    if re.search(r"克重|蛋白|热量|脂肪|承重|半斤八两|斤斤", around.clause.text):
        return None
    return None if amount.value > _HEAVIEST else Role("weight_g", amount.value, _limits(around))


def _per_price(around: Around) -> bool:
    """The weight that a price is for: 九块九一斤."""
    return around.after_money and around.amount.digits in ("一", "1") and around.left.strip("钱每块元/ 就") == ""


def _size(around: Around) -> Role | None:
    left, right, amount = around.left, around.right, around.amount
    if amount.kind == "volume":
        if _NO_VOLUME(left) or re.search(r"不是$|没有$", left):
            return None
        return Role("size", f"{amount.value:g} ml", _limits(around))
    person = 1_400 <= amount.value <= 2_000 and re.search(r"穿|个子|身高|小个|姐妹|模特|主播|我", around.clause.text)
    tall = amount.unit == "米" and person and not re.search(r"床|长|宽|线|被|毯|桌|沙发", around.clause.text)
    if tall or _NO_LENGTH(left) or _NO_LENGTH_RIGHT(right) or re.search(r"不是$|没有$|比[^，]{0,12}$", left):
        return None
    return Role("size", f"{amount.value:g} mm", _limits(around))


def _count(around: Around) -> Role | None:
    left, right, amount = around.left, around.right, around.amount
    if _NOT_STOCK(right):
        return None
    if _is_stock(around):
        return Role("stock", amount.value, _limits(around))
    if amount.unit in ("头", "层") or re.search(r"不是$|没有$", left):
        return None
    if _SET.search(amount.unit) and amount.value > 1:
        return Role("quantity", amount.value)
    if not 1 < amount.value <= _MOST_PIECES or amount.value != int(amount.value) or _NO_COUNT(left) and not _BOX(left):
        return None
    boxed = _BOX(left) or (around.after_box and left.strip("里面有是就装的头 ") == "")
    priced = around.after_money and left.strip("钱就给你到手拿块元直接， ") == ""
    if boxed or priced or _MANY(left) or _SET_RIGHT(right):
        return Role("quantity", amount.value)
    return None


def _is_stock(around: Around) -> bool:
    left, amount = around.left_and_before, around.amount
    if not _COUNTED_STOCK.search(amount.unit) or around.after_money:
        return False
    if _LEFT_OVER(left):
        return True
    few = amount.unit in ("单", "件", "套", "份", "台", "双", "只", "条") and amount.value > 1
    return few and _HAVE(left) and (right_ends(around) or "库存" in around.clause.text or "最后" in around.left)


def right_ends(around: Around) -> bool:
    return (
        re.fullmatch(r"(?:了|啊|哦|而已|库存|现货|货|名额|的量|的货|可以拍|能拍|在手|[，, ])*", around.right)
        is not None
    )


def extra(text: str) -> list[tuple[str, float, int, int]]:
    """What whole phrases say: 买一送一 is two pieces, 拍一发三 three."""
    gifts = [("quantity", _small(m[1]) + _small(m[2]), m.start(), m.end()) for m in _GIFT.finditer(text)]
    return gifts + [("quantity", _small(m[1]), m.start(), m.end()) for m in _FIRED.finditer(text)]


def _small(said: str) -> float:
    return spoken(said) or 0.0
