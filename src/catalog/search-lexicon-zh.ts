// What Chinese words mean in the English that tools are described in; one line a meaning. Part of search-lexicon.ts.
/** Each line: a Chinese word, then what it is in English. */
export const CHINESE = `
创建 create
新建 create
新增 create add
添加 add create
增加 add
建立 create
建 create
拉 create pull
生成 generate create
删除 delete remove
移除 remove
清空 clear delete
清理 clean delete
取消 cancel
修改 update edit
更新 update
编辑 edit update
更改 update change
改 update change
改成 update change
重命名 rename
设置 set setting config
配置 config setting
查询 query get search
查找 find search
搜索 search
搜 search
检索 search retrieve
查看 view get list
看看 view get
查 get query search
看 view get
获取 get
读取 read get
读 read
列出 list
列表 list
所有 list all
全部 all list
写入 write
写 write
保存 save write
记住 remember memory observation
记录 record log
记忆 memory
记 remember note
发送 send
发 send
发布 publish release deploy post
通知 notify notification send
提醒 reminder remind
回复 reply
转发 forward
分享 share permission
共享 share permission
授权 grant permission auth
权限 permission access
审批 approve approval
批准 approve
通过 approve
拒绝 reject decline
合并 merge
关闭 close
打开 open enable navigate
开启 enable start
启用 enable
禁用 disable
启动 start launch run
停止 stop
停掉 stop
停 stop
暂停 pause
重启 restart reboot
运行 run execute
执行 execute run
调用 invoke call
部署 deploy
上线 deploy publish
回滚 rollback
上传 upload
下载 download
导出 export download
导入 import
安装 install
卸载 uninstall
移动 move
移到 move
复制 copy
比较 compare diff
对比 compare diff
统计 statistics count
汇总 aggregate summary
聚合 aggregate
总结 summary
计算 compute calculate
计数 count
数量 count number
多少 count number
剩 balance usage
用量 usage quota
额度 quota limit
排序 sort
筛选 filter
过滤 filter
分析 analyze
翻译 translate
转换 convert
监控 monitor
盯 monitor watch
盯着 monitor watch
跟踪 track
订阅 subscription subscribe
点击 click
填写 fill
表单 form
输入 input type
截图 screenshot
截屏 screenshot
截个图 screenshot
快照 snapshot
录制 record
抓取 scrape crawl fetch
爬取 crawl scrape
爬 crawl
网页 page web website
页面 page
前端 frontend web static
网站 website site
静态 static
标签页 tab
浏览器 browser
元素 element
链接 link url
文件 file
文件夹 folder directory
目录 directory folder
文件系统 filesystem file
路径 path
文档 document doc
知识库 wiki knowledge
文字 text
文本 text
图片 image picture
图标 icon image
图像 image
照片 photo image
设计稿 figma design
设计 design
视频 video
音频 audio
附件 attachment
邮件 mail email message
邮箱 mailbox mail
收件箱 inbox mail
草稿 draft
广告 advertisement
归档 archive move
规则 rule
自动 automatic
消息 message
聊天 chat
群 chat group
群聊 chat group
群组 group
频道 channel
评论 comment
留言 comment message
备注 note comment
日历 calendar
日程 calendar event
会议 meeting event
会议室 room meeting
事件 event
空闲 free freebusy
有空 free freebusy
忙闲 freebusy
时间 time
今天 today
明天 tomorrow
任务 task
待办 todo task
子任务 subtask
清单 list checklist
看板 board
卡片 card
项目 project
议题 issue
问题 issue question
工单 issue ticket
缺陷 bug issue
里程碑 milestone
标签 label tag
迭代 sprint iteration cycle
用户 user
成员 member
人员 member person user
联系人 contact
客户 customer contact
公司 company
团队 team
部门 department
组织 organization
谁写 blame author
谁 user who
仓库 repository repo
代码 code
代码库 repository code
这行 line
提交 commit submit
提交记录 commit log
拉取请求 pull request
合并请求 merge request
分支 branch
标签 tag
流水线 pipeline
构建 build
测试 test
失败 fail failed
日志 log
报错 error exception
错误 error
异常 exception error
历史 history log
版本 version release
发布版本 release
数据库 database
数据 data
数据表 table
表 table
表格 table spreadsheet
多维表格 bitable base table
电子表格 spreadsheet sheet
字段 field column
列 column
行 row
插入 insert
集合 collection
索引 index
慢 slow performance
慢查询 slow query performance
性能 performance
连接 connection
缓存 cache
存储 storage
存储桶 bucket
对象 object
键值 kv key
函数 function
云函数 function cloud
云开发 cloudbase tcb
云托管 cloudrun cloudbase run
云环境 environment cloudbase env
环境 environment env
环境变量 environment variable
变量 variable
密钥 secret key
密码 password
证书 certificate
域名 domain dns
服务器 server droplet vm instance
主机 host server droplet
虚拟机 droplet vm instance
云主机 droplet instance
服务 service
应用 app application
容器 container pod
集群 cluster
节点 node
副本 replica scale
扩容 scale resize
镜像 image container
防火墙 firewall
网络 network
请求 request
接口 api
登录 login auth authentication signin
手机号 phone sms
短信 sms
认证 auth authentication
支付 payment
付款 payment
收款 payment
退款 refund
退给 refund
退 refund
余额 balance
钱 money payment
账户 account
账号 account
账单 invoice bill
发票 invoice
价格 price
产品 product
商品 product
订单 order
优惠券 coupon
套餐 plan subscription
地图 map
高德 amap maps
高德地图 amap maps
百度 baidu map
百度地图 baidu map
谷歌 google
谷歌地图 google maps
谷歌日历 google calendar
飞书 lark feishu
微软 microsoft ms 365
钉钉 dingtalk
微信 wechat
企业微信 wecom
小程序 miniprogram miniapp
天气 weather
下雨 weather rain
气温 weather temperature
带伞 weather rain
路线 route directions
导航 navigation directions
驾车 driving direction
开车 driving direction
步行 walking
走路 walking
骑行 bicycling cycling
骑车 bicycling cycling
公交 transit bus
地铁 transit subway
距离 distance
多远 distance
离 distance
多久 duration directions
路况 traffic
堵 traffic
堵车 traffic
附近 around nearby
周边 around nearby
定位 location locate
位置 location
哪里 location where
地点 place location
地址 address
坐标 coordinate geocode
经纬度 coordinate geocode latitude
海拔 elevation
高铁 train
火车 train
火车票 train ticket
车票 ticket train
余票 ticket
车站 station
车次 train
机票 flight
航班 flight
酒店 hotel
餐厅 restaurant
图表 chart
图 chart graph
柱状图 column bar chart
条形图 bar chart
折线图 line chart
饼图 pie chart
散点图 scatter chart
雷达图 radar chart
漏斗图 funnel chart
词云 word cloud chart
桑基图 sankey chart
思维导图 mind map
流程图 flow diagram
关系图 network graph
组织架构图 organization chart
鱼骨图 fishbone diagram
树图 treemap
热力图 heat map
省份 province district map
销量 sales
分布 distribution map
占比 pie percentage
趋势 line trend
画 draw chart generate
做一张 generate chart
新闻 news
文章 article
资料 information search
上网 web search
库 library database
节点 node
知识图谱 knowledge graph
实体 entity
关系 relation
观察 observation
思考 thinking
推理 reasoning thinking
一步步 sequential step
模板 template
组件 component
样式 style
颜色 color
店铺 shop store
主题 theme topic
工作流 workflow
工作区 workspace
工作空间 workspace
空间 space workspace
集成 integration
插件 plugin
模型 model
控制台 console
调试 debug
内存 memory heap
泄漏 leak
备份 backup
恢复 restore
迁移 migration
同步 sync
目标 goal target
进度 progress status
状态 status
详情 detail get
信息 info information
结构 schema structure
类型 type
`;
